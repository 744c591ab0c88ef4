import { describe, expect, it } from 'vitest'
import {
  costOfReading,
  describeCost,
  inBytes,
  segmentsFor,
} from '../../../../app/cli/allow/read-cost.ts'
import { describeProgress } from '../../../../app/cli/allow/scan-progress.ts'

describe('what a scan costs', () => {
  it('is a unit for each 8 kB, as docs/deploying.md reckons a million devices', () => {
    expect(costOfReading(8193).readUnits).toBe(2)
    expect(costOfReading(2.2e9).usd.toFixed(2)).toBe('0.04')
  })

  it('is said with rows, bytes, units and price, or that it isn’t known', () => {
    expect(describeCost({ rows: 1_200_000, bytes: 2.64e9 }, false)).toBe(
      'about 1,200,000 rows, 2.6 GB, 322,266 read units, 0.05 USD (counted every six hours; on demand in Ireland)',
    )
    expect(describeCost({ rows: 10, bytes: 4000 }, true)).toMatch(
      /^up to about 10 rows, 4\.0 kB, 1 read units, less than 0\.01 USD/,
    )
    expect(describeCost({ rows: 0, bytes: 0 }, false)).toMatch(
      /every six hours, has no rows yet; a million/,
    )
    expect(describeCost('no permission', false)).toMatch(
      /^its size isn’t known \(no permission\); a million/,
    )
  })

  it('is shared between segments by size', () => {
    expect(
      [undefined, { rows: 1, bytes: 10 }, { rows: 1, bytes: 3e8 }, { rows: 1, bytes: 1e12 }].map(
        segmentsFor,
      ),
    ).toEqual([4, 1, 3, 4])
  })

  it('has units that people read', () => {
    expect([999, 1000, 999_499, 999_500, 2.6e9].map(inBytes)).toEqual([
      '999 B',
      '1.0 kB',
      '999 kB',
      '1.0 MB',
      '2.6 GB',
    ])
  })
})

describe('describeProgress', () => {
  it('says how far, how fast and how long still', () => {
    const it = { doing: 'Counting', rows: 300_000, expected: 1_200_000, seconds: 10 }
    expect(describeProgress(it)).toBe(
      'Counting … 300,000 of about 1,200,000 rows, 30,000/s, 30 s left',
    )
    expect(describeProgress({ ...it, expected: undefined })).toBe(
      'Counting … 300,000 rows, 30,000/s',
    )
    expect(describeProgress({ ...it, rows: 2_000_000 })).not.toContain('left')
  })
})

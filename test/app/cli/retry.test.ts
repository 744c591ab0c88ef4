import { describe, expect, it } from 'vitest'
import { retryDelayMs } from '../../../app/cli/device/retry.ts'

describe('retryDelayMs', () => {
  it('doubles, with jitter, up to ten seconds', () => {
    expect([0, 1, 2, 9].map((attempt) => retryDelayMs(attempt, undefined, 1))).toEqual([
      500, 1000, 2000, 10_000,
    ])
    expect([0, 1, 2, 9].map((attempt) => retryDelayMs(attempt, undefined, 0))).toEqual([
      250, 500, 1000, 5000,
    ])
  })

  it('never comes back sooner than it was told', () => {
    expect(retryDelayMs(0, 30, 0)).toBe(30_000)
    expect(retryDelayMs(0, 30, 1)).toBe(30_250)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isValidAt, validity } from '../../../app/request/validity.ts'

const from = Date.parse('2026-06-01T12:00:00Z')
const until = Date.parse('2026-06-02T12:00:00Z')
const notBefore = '2026-06-01T12:00:00Z'
const notAfter = '2026-06-02T12:00:00Z'

describe('isValidAt', () => {
  it.each([
    ['a millisecond too early', from - 1, false],
    ['at the first moment', from, true],
    ['between', from + 1, true],
    ['at the last moment', until, true],
    ['a millisecond too late', until + 1, false],
  ])('takes what has both bounds, %s: %s is %s', (_, now, valid) => {
    expect(isValidAt({ notBefore, notAfter }, now)).toBe(valid)
  })

  it('has no bound where none is named', () => {
    const ends = [0, Number.MAX_SAFE_INTEGER]
    expect(ends.map((now) => isValidAt({}, now))).toEqual([true, true])
    expect(ends.map((now) => isValidAt({ notBefore }, now))).toEqual([false, true])
    expect(ends.map((now) => isValidAt({ notAfter }, now))).toEqual([true, false])
  })

  it('means the same moment in every zone', () => {
    for (const zoned of [
      '2026-06-01T14:00:00+02:00',
      '2026-06-01T06:30:00-05:30',
      '2026-06-01T12:00Z',
    ]) {
      expect(isValidAt({ notBefore: zoned, notAfter: zoned }, from)).toBe(true)
      expect(isValidAt({ notBefore: zoned }, from - 1)).toBe(false)
      expect(isValidAt({ notAfter: zoned }, from + 1)).toBe(false)
    }
  })

  it('is never valid where it ends before it begins', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: from - 10 * 86_400_000, max: until + 10 * 86_400_000 }),
        (now) => {
          expect(isValidAt({ notBefore: notAfter, notAfter: notBefore }, now)).toBe(false)
        },
      ),
    )
  })
})

describe('validity', () => {
  it.each([[{}], [{ notBefore }], [{ notBefore, notAfter: '2026-06-02T12:00:00.5+02:00' }]])(
    'takes %j',
    (dates) => {
      expect(validity.parse(dates)).toEqual(dates)
    },
  )

  it.each([
    ['2026-11-25'],
    ['2026-11-25T00:00:00'],
    ['2026-13-01T00:00:00Z'],
    ['2026-02-30T00:00:00Z'],
    ['tomorrow'],
    [''],
    [1_795_000_000],
    [null],
  ])('refuses %j as a date, and says how one looks', (date) => {
    for (const name of ['notBefore', 'notAfter']) {
      const issues = validity.safeParse({ [name]: date }).error?.issues ?? []
      expect(issues.map((it) => [it.path, it.message])).toEqual([
        [[name], 'must be a date with time and zone, like 2026-11-25T00:00:00Z'],
      ])
    }
  })

  it('refuses a member that it doesn’t know', () => {
    expect(validity.safeParse({ notAfer: notAfter }).success).toBe(false)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/app-error.ts'
import { getIssueTime } from '../../../app/request/freshness.ts'

const rules = { maxAgeSeconds: 300, maxAheadSeconds: 60, nonceSeconds: 120 }
const now = Date.parse('2026-06-01T12:00:00Z')

type Dated = { iat?: number; nonce?: string }

/** The time, or why it is stale. `issuedAt`: when the deployment issued the nonce `known`. */
function judge({ iat, nonce }: Dated, issuedAt?: number): number | string {
  const find = (text: string) => (text === 'known' ? issuedAt : undefined)
  try {
    return getIssueTime({ iat, nonce }, rules, find, now)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'stale') throw error
    return error.message
  }
}

describe('a request dated by iat', () => {
  it.each([
    ['now', 0],
    ['as old as is allowed', -300_000],
    ['as far ahead as is allowed', 60_000],
  ])('is of that time where it is %s', (_, offset) => {
    expect(judge({ iat: now + offset })).toBe(now + offset)
  })

  it.each([
    ['a millisecond too old', -300_001, 'iat is 301 s old, and 300 s are allowed'],
    ['long past', -86_400_000, 'iat is 86400 s old, and 300 s are allowed'],
    ['a millisecond too far ahead', 60_001, 'iat is 61 s ahead, and 60 s are allowed'],
    ['of a clock that is a day ahead', 86_400_000, 'iat is 86400 s ahead, and 60 s are allowed'],
  ])('is stale where it is %s', (_, offset, why) => {
    expect(judge({ iat: now + offset })).toBe(why)
  })

  it('is stale at the beginning of time, and without any date', () => {
    expect(judge({ iat: 0 })).toMatch(/^iat is \d+ s old/)
    expect(judge({})).toMatch(/^iat is \d+ s old/)
  })

  it('is taken exactly between the bounds', () => {
    fc.assert(
      fc.property(fc.integer({ min: -400_000, max: 400_000 }), (offset) => {
        const taken = judge({ iat: now + offset }) === now + offset
        expect(taken).toBe(-300_000 <= offset && offset <= 60_000)
      }),
    )
  })
})

describe('a request dated by a nonce', () => {
  it.each([
    ['now', 0],
    ['as long ago as is allowed', -120_000],
    ['by an edge whose clock is as far ahead as is allowed', 60_000],
  ])('is of the time at which it was issued, %s', (_, offset) => {
    expect(judge({ nonce: 'known' }, now + offset)).toBe(now + offset)
  })

  it.each([
    ['longer ago than a nonce holds', -120_001, 'the nonce is older than 120 s'],
    ['by an edge whose clock is too far ahead', 60_001, 'the nonce is more than 60 s ahead'],
  ])('is stale where it was issued %s', (_, offset, why) => {
    expect(judge({ nonce: 'known' }, now + offset)).toBe(why)
  })

  it('goes by the nonce alone, whatever iat says beside it', () => {
    expect(judge({ nonce: 'known', iat: 0 }, now - 5000)).toBe(now - 5000)
    expect(judge({ nonce: 'known', iat: now }, now - 200_000)).toContain('the nonce is older')
  })

  it.each(['', 'foreign'])('is stale where the nonce %j is no one’s here', (nonce) => {
    const why = 'the nonce is none of this deployment’s'
    expect(judge({ nonce, iat: now }, now)).toBe(why)
  })
})

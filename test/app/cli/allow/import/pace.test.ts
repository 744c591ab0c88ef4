import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  afterAccepted,
  afterThrottled,
  freshPace,
  takeTurn,
} from '../../../../../app/cli/allow/import/pace.ts'

/** A table that takes so many writes a second, `burst` at once, as of a moment; time is only counted. */
function playTable(
  perSecond: (ms: number) => number,
  burst: number,
  workers: number,
  forMs: number,
) {
  let pace = freshPace(0)
  let tokens = burst
  let filledAt = 0
  const acceptedAt: number[] = []
  const throttledAt: number[] = []
  const roundTripMs = 5
  // Each worker asks again as soon as it is answered, a throttled row too.
  const asking = Array.from({ length: workers }, (_, index) => index / workers)
  for (;;) {
    const worker = asking.indexOf(Math.min(...asking))
    const now = asking[worker] ?? 0
    if (now > forMs) return { acceptedAt, throttledAt }
    const turn = takeTurn(pace, now)
    pace = turn.pace
    const at = turn.at
    tokens = Math.min(burst, tokens + (Math.max(0, at - filledAt) / 1000) * perSecond(at))
    filledAt = Math.max(filledAt, at)
    const answeredAt = at + roundTripMs
    if (tokens >= 1) {
      tokens -= 1
      acceptedAt.push(at)
      pace = afterAccepted(pace, answeredAt)
    } else {
      throttledAt.push(at)
      pace = afterThrottled(pace, answeredAt)
    }
    asking[worker] = answeredAt
  }
}

const between = (times: readonly number[], from: number, to: number) =>
  times.filter((at) => at >= from && at < to).length

describe('the pace of an import', () => {
  it('has no limit while nothing throttles', () => {
    let pace = freshPace(0)
    for (let at = 0; at < 100; at += 1) {
      expect(takeTurn(pace, at).at).toBe(at)
      pace = afterAccepted(pace, at)
    }
  })

  it('comes within a tenth of what a table takes, whatever that is, and stays there', () => {
    const cases = fc.record({
      perSecond: fc.integer({ min: 20, max: 2000 }),
      // Each asks at most 200 times a second.
      workers: fc.integer({ min: 16, max: 64 }),
      burst: fc.double({ min: 0.05, max: 1, noNaN: true }),
    })
    fc.assert(
      fc.property(cases, ({ perSecond, workers, burst }) => {
        const room = Math.max(2, perSecond * burst)
        const { acceptedAt } = playTable(() => perSecond, room, workers, 30_000)
        const rate = between(acceptedAt, 10_000, 30_000) / 20
        expect(rate).toBeGreaterThan(perSecond * 0.9)
        expect(rate).toBeLessThan(perSecond * 1.1)
      }),
      { numRuns: 25 },
    )
  })

  it('wastes few calls once it knows what the table takes', () => {
    const { acceptedAt, throttledAt } = playTable(() => 200, 20, 64, 60_000)
    const [accepted, throttled] = [acceptedAt, throttledAt].map((it) => between(it, 5_000, 60_000))
    expect(throttled).toBeLessThan((accepted ?? 0) * 0.1)
  })

  it('follows a table that grows', () => {
    const { acceptedAt } = playTable((ms) => (ms < 10_000 ? 200 : 800), 20, 64, 90_000)
    expect(between(acceptedAt, 80_000, 90_000) / 10).toBeGreaterThan(700)
  })
})

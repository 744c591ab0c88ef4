import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countRefusals, retryAfterSeconds } from '../../../app/edge/retry-after.ts'

const random = fc.double({ min: 0, max: 0.9999999, noNaN: true })
const backlog = fc.nat(10_000_000)
const notBeforeSeconds = fc.double({ min: 0, max: 86_400, noNaN: true })

describe('how long a refused device waits', () => {
  it('is whole seconds from 5 to 120, whatever stands in its way', () => {
    fc.assert(
      fc.property(backlog, notBeforeSeconds, random, (count, notBefore, spread) => {
        const seconds = retryAfterSeconds({ backlog: count, notBeforeSeconds: notBefore }, spread)
        expect(Number.isInteger(seconds)).toBe(true)
        expect(seconds).toBeGreaterThanOrEqual(5)
        expect(seconds).toBeLessThanOrEqual(120)
      }),
    )
  })

  it('is never less for more that wait, and never before the region may be tried', () => {
    fc.assert(
      fc.property(backlog, fc.nat(10_000), notBeforeSeconds, random, (count, more, at, spread) => {
        const wait = (of: number) =>
          retryAfterSeconds({ backlog: of, notBeforeSeconds: at }, spread)
        expect(wait(count + more)).toBeGreaterThanOrEqual(wait(count))
        expect(wait(count)).toBeGreaterThanOrEqual(Math.min(at, 60))
      }),
    )
  })

  it('is spread: of ten thousand told at once no second has more than its share to come', () => {
    const told = Array.from({ length: 10_000 }, (_, index) =>
      retryAfterSeconds({ backlog: index }, (index * 0.618_034) % 1),
    )
    const bySecond = new Map<number, number>()
    for (const seconds of told) bySecond.set(seconds, (bySecond.get(seconds) ?? 0) + 1)
    expect(bySecond.size).toBeGreaterThan(60)
    expect(Math.max(...bySecond.values())).toBeLessThan(10_000 / 30)
  })
})

describe('refusals', () => {
  it('are counted for a minute, each by its cause', () => {
    let now = 1_000_000
    const refusals = countRefusals(() => now)
    for (let count = 1; count <= 100; count += 1) expect(refusals.add('eu-west-1')).toBe(count)
    expect(refusals.add('us-east-1')).toBe(1)
    now += 59_000
    expect(refusals.add('eu-west-1')).toBe(101)
    now += 10_000
    expect(refusals.add('eu-west-1')).toBe(2)
    now -= 3_600_000
    expect(refusals.add('eu-west-1')).toBe(1)
  })
})

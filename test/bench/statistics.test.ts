import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { median, quantile, varghaDelaney } from '../../bench/statistics.ts'

// Few values, so that many are equal.
const figure = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(0.5, 1e9))
const some = fc.array(figure, { minLength: 1, maxLength: 30 })

const sorted = (figures: readonly number[]) => [...figures].sort((a, b) => a - b)

/** The definition, pair by pair. */
function countPairs(first: readonly number[], second: readonly number[]): number {
  let wins = 0
  for (const a of first) for (const b of second) wins += a > b ? 1 : a === b ? 0.5 : 0
  return wins / (first.length * second.length)
}

describe('varghaDelaney', () => {
  it.each<[number[], number[], number]>([
    [[2, 3], [0, 1], 1],
    [[0, 1], [2, 3], 0],
    [[5], [5], 0.5],
    [[1, 1, 1], [1, 1], 0.5],
    [[1, 2], [1], 0.75],
    [[10], [9, 2, 100], 2 / 3],
  ])('of %j and %j is %d', (first, second, expected) => {
    expect(varghaDelaney(first, second)).toBeCloseTo(expected, 12)
  })

  it('is the share of pairs in which the first is greater, ties as halves', () => {
    fc.assert(
      fc.property(some, some, (first, second) => {
        expect(varghaDelaney(first, second)).toBeCloseTo(countPairs(first, second), 12)
      }),
    )
  })

  it('and that of the other way round are one', () => {
    fc.assert(
      fc.property(some, some, (first, second) => {
        const both = varghaDelaney(first, second) + varghaDelaney(second, first)
        expect(both).toBeCloseTo(1, 12)
      }),
    )
  })

  it('leaves its figures in their order', () => {
    const [first, second] = [
      [3, 1, 2],
      [2, 0],
    ]
    varghaDelaney(first, second)
    expect([first, second]).toEqual([
      [3, 1, 2],
      [2, 0],
    ])
  })
})

describe('median', () => {
  it.each<[number[], number]>([
    [[7], 7],
    [[3, 1, 2], 2],
    [[10, 9, 2], 9],
    // By the nearest rank: a figure that was measured, the lower one of two.
    [[4, 1, 3, 2], 2],
    [[], Number.NaN],
  ])('of %j is %d', (figures, expected) => {
    const given = [...figures]
    expect(median(figures)).toBe(expected)
    expect(figures).toEqual(given)
  })

  it('is one of the figures, with at most half of them on either side', () => {
    fc.assert(
      fc.property(some, (figures) => {
        const middle = median(figures)
        expect(figures).toContain(middle)
        const below = figures.filter((it) => it < middle).length
        const above = figures.filter((it) => it > middle).length
        expect(Math.max(below, above)).toBeLessThanOrEqual(figures.length / 2)
      }),
    )
  })
})

describe('quantile', () => {
  it('is the least figure that so large a share of them isn’t above', () => {
    fc.assert(
      fc.property(some, fc.integer({ min: 0, max: 100 }), (figures, percent) => {
        const value = quantile(figures, percent / 100)
        const reach = (limit: number) => figures.filter((it) => it <= limit).length
        const least = sorted(figures).find((it) => reach(it) >= (percent / 100) * figures.length)
        expect(value).toBe(least)
      }),
    )
  })
})

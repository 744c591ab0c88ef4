import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { partition, without } from '../../../../app/cli/geo/partition.ts'
import { RangeList } from '../../../../app/cli/geo/range-list.ts'

type Row = readonly [start: number, end: number, place: number]

function listOf(rows: readonly Row[]): RangeList {
  const ranges = new RangeList()
  for (const [start, end, place] of rows) ranges.add(0, start, 0, end, place)
  return ranges
}

function cuts(rows: readonly Row[]) {
  const { starts, places } = partition(listOf(rows))
  return Array.from(starts, (start, row) => [Number(start), places[row]])
}

describe('partition', () => {
  it('sorts, leaves gaps unknown, and makes one of equal neighbours', () => {
    const rows: readonly Row[] = [
      [30, 39, 2],
      [10, 19, 1],
      [20, 24, 1],
    ]
    expect(cuts(rows)).toEqual([
      [10, 1],
      [25, 0],
      [30, 2],
      [40, 0],
    ])
  })

  it('lets a range within another go before it', () => {
    const rows: readonly Row[] = [
      [12, 15, 2],
      [10, 19, 1],
      [14, 15, 3],
      [19, 19, 4],
    ]
    expect(cuts(rows)).toEqual([
      [10, 1],
      [12, 2],
      [14, 3],
      [16, 1],
      [19, 4],
      [20, 0],
    ])
  })

  it('joins ranges of one place that overlap', () => {
    const rows: readonly Row[] = [
      [10, 19, 1],
      [15, 25, 1],
      [15, 25, 1],
    ]
    expect(cuts(rows)).toEqual([
      [10, 1],
      [26, 0],
    ])
  })

  it.each([
    ['are the same', [10, 19, 1], [10, 19, 2]],
    ['cross each other', [10, 19, 1], [15, 25, 2]],
  ] satisfies [string, Row, Row][])('refuses two places for ranges that %s', (_, a, b) => {
    expect(() => cuts([a, b])).toThrow(/^the data contradict themselves: the ranges a-13 and /)
    expect(() => cuts([b, a])).toThrow(/^the data contradict themselves/)
  })

  it('refuses a range that ends before it starts', () => {
    expect(() => cuts([[19, 10, 1]])).toThrow('a range ends before it starts')
  })

  it('holds the last address that there is', () => {
    const ranges = new RangeList()
    ranges.add(0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 1)
    expect(partition(ranges).starts).toEqual(BigUint64Array.of(0xffff_ffff_ffff_ffffn))
  })

  it('agrees with asking every range, the narrowest first', () => {
    // Blocks of powers of two lie within each other or apart, as networks do.
    const block = fc
      .tuple(fc.integer({ min: 0, max: 5 }), fc.nat(63), fc.integer({ min: 1, max: 4 }))
      .map(([bits, at, place]): Row => {
        const start = (at >> bits) << bits
        return [start, start + (1 << bits) - 1, place]
      })
    const ends = ([start, end]: Row) => `${start}-${end}`
    fc.assert(
      fc.property(fc.uniqueArray(block, { selector: ends, maxLength: 12 }), (rows) => {
        const found = cuts(rows)
        for (let key = 0; key < 70; key++) {
          const around = rows.filter(([start, end]) => start <= key && key <= end)
          const [narrowest] = around.sort((a, b) => a[1] - a[0] - (b[1] - b[0]))
          const cut = found.findLast(([start = 0]) => start <= key)
          expect(cut?.[1] ?? 0).toBe(narrowest?.[2] ?? 0)
        }
      }),
    )
  })
})

describe('without', () => {
  it('takes blocks out of what is known, wherever they lie', () => {
    const whole = partition(
      listOf([
        [10, 29, 1],
        [30, 39, 2],
      ]),
    )
    const left = without(whole, [
      [0n, 4n],
      [10n, 11n],
      [20n, 34n],
      [38n, 60n],
    ])
    expect(Array.from(left.starts, (start, row) => [Number(start), left.places[row]])).toEqual([
      [12, 1],
      [20, 0],
      [35, 2],
      [38, 0],
    ])
  })
})

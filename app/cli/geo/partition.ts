import { GeoBuildError } from './geo-build-error.ts'
import type { RangeList } from './range-list.ts'

/**
 * The whole address space of one family, cut where the place changes: from `starts[row]` on it is
 * `places[row]`, and `unknown` where no range is. Rows ascend, and neighbours differ.
 */
export type Partition = { readonly starts: BigUint64Array; readonly places: Uint32Array }

export const unknown = 0

/**
 * Settles overlaps: a range within another one goes before it, as the more exact one. Throws
 * GeoBuildError where two ranges of different places are the same or cross each other.
 */
export function partition(ranges: RangeList): Partition {
  const rows = ranges.sorted()
  const cuts = new Cuts(rows.length * 2 + 1)
  /** The ranges around the current one, the outermost first. */
  const around: number[] = []

  const closeUntil = (start: bigint | undefined) => {
    for (let inner = around.at(-1); inner !== undefined; inner = around.at(-1)) {
      const end = ranges.end(inner)
      if (start !== undefined && end >= start) return
      around.pop()
      const outer = around.at(-1)
      // After an inner range the outer one goes on, unless it ends there too.
      if (outer === undefined) cuts.add(end + 1n, unknown)
      else if (ranges.end(outer) > end) cuts.add(end + 1n, ranges.place(outer))
    }
  }

  for (const row of rows) {
    const start = ranges.start(row)
    closeUntil(start)
    const end = ranges.end(row)
    for (let outer = around.at(-1); outer !== undefined; outer = around.at(-1)) {
      const crosses = end > ranges.end(outer)
      const same = end === ranges.end(outer) && start === ranges.start(outer)
      if (!crosses && !same) break
      if (ranges.place(outer) !== ranges.place(row)) throw contradiction(ranges, outer, row)
      around.pop()
    }
    cuts.add(start, ranges.place(row))
    around.push(row)
  }
  closeUntil(undefined)
  return cuts.finish()
}

/** The first and the last key of a block. */
export type Block = readonly [first: bigint, last: bigint]

/** Takes out what the blocks cover, whatever the ranges say. They ascend and don't overlap. */
export function without({ starts, places }: Partition, blocks: readonly Block[]): Partition {
  const cuts = new Cuts(starts.length + blocks.length * 2)
  let row = 0
  let current = unknown
  for (const [first, last] of blocks) {
    for (; row < starts.length && (starts[row] ?? 0n) < first; row++) {
      current = places[row] ?? unknown
      cuts.add(starts[row] ?? 0n, current)
    }
    cuts.add(first, unknown)
    for (; row < starts.length && (starts[row] ?? 0n) <= last + 1n; row++) {
      current = places[row] ?? unknown
    }
    cuts.add(last + 1n, current)
  }
  for (; row < starts.length; row++) cuts.add(starts[row] ?? 0n, places[row] ?? unknown)
  return cuts.finish()
}

/** The key after the last one of a family; a cut there says nothing. */
const keyEnd = 1n << 64n

/** Collects cuts; a later one at the same key replaces the earlier, and equal neighbours become one. */
export class Cuts {
  #count = 0
  readonly #starts: BigUint64Array
  readonly #places: Uint32Array

  constructor(most: number) {
    this.#starts = new BigUint64Array(most)
    this.#places = new Uint32Array(most)
  }

  add(start: bigint, place: number): void {
    if (start >= keyEnd) return
    if (this.#count > 0 && this.#starts[this.#count - 1] === start) this.#count--
    const before = this.#count === 0 ? unknown : this.#places[this.#count - 1]
    if (before === place) return
    this.#starts[this.#count] = start
    this.#places[this.#count] = place
    this.#count++
  }

  finish(): Partition {
    return {
      starts: this.#starts.slice(0, this.#count),
      places: this.#places.slice(0, this.#count),
    }
  }
}

function contradiction(ranges: RangeList, a: number, b: number): GeoBuildError {
  const text = (row: number) => `${ranges.start(row).toString(16)}-${ranges.end(row).toString(16)}`
  return new GeoBuildError(
    `the data contradict themselves: the ranges ${text(a)} and ${text(b)} (keys in hexadecimal) overlap and say different places`,
  )
}

import { GeoBuildError } from './geo-build-error.ts'

const initialRows = 1 << 16

/**
 * Ranges of addresses and their places, of one family, in columns that grow. Keys are 64 bits: an IPv4
 * address in the lower 32, or the first half of an IPv6 address.
 */
export class RangeList {
  #count = 0
  #starts = new BigUint64Array(initialRows)
  #ends = new BigUint64Array(initialRows)
  #places = new Uint32Array(initialRows)
  // The same memory as halves (little-endian): numbers go in without a BigInt each.
  #startHalves = new Uint32Array(this.#starts.buffer)
  #endHalves = new Uint32Array(this.#ends.buffer)

  get count(): number {
    return this.#count
  }

  /**
   * Adds a range of a source whose ranges ascend and don't overlap, both ends included. One that goes on
   * where the last one ended, at its place, becomes a part of it.
   */
  append(
    startHigh: number,
    startLow: number,
    endHigh: number,
    endLow: number,
    place: number,
  ): void {
    const last = this.#count - 1
    const goesOn = last >= 0 && this.#places[last] === place
    if (goesOn && this.#endsBefore(last, startHigh, startLow)) {
      this.#endHalves[last * 2] = endLow
      this.#endHalves[last * 2 + 1] = endHigh
    } else {
      this.add(startHigh, startLow, endHigh, endLow, place)
    }
  }

  /** Adds a range, both ends included, as it stands: which of two overlapping ones is the inner one counts. */
  add(startHigh: number, startLow: number, endHigh: number, endLow: number, place: number): void {
    if (this.#count === this.#places.length) this.#grow()
    const at = this.#count++
    this.#startHalves[at * 2] = startLow
    this.#startHalves[at * 2 + 1] = startHigh
    this.#endHalves[at * 2] = endLow
    this.#endHalves[at * 2 + 1] = endHigh
    this.#places[at] = place
  }

  start(row: number): bigint {
    return this.#starts[row] ?? 0n
  }

  end(row: number): bigint {
    return this.#ends[row] ?? 0n
  }

  place(row: number): number {
    return this.#places[row] ?? 0
  }

  /**
   * The rows in the order of their starts, a wider one before those within it. Throws GeoBuildError for
   * a range that ends before it starts.
   */
  sorted(): Uint32Array {
    let inOrder = true
    for (let row = 0; row < this.#count; row++) {
      if (this.end(row) < this.start(row)) throw new GeoBuildError('a range ends before it starts')
      if (row > 0 && this.#compare(row - 1, row) > 0) inOrder = false
    }
    const rows = new Uint32Array(this.#count)
    for (let row = 0; row < rows.length; row++) rows[row] = row
    return inOrder ? rows : rows.sort((a, b) => this.#compare(a, b))
  }

  #compare(a: number, b: number): number {
    const startA = this.start(a)
    const startB = this.start(b)
    if (startA !== startB) return startA < startB ? -1 : 1
    const endA = this.end(a)
    const endB = this.end(b)
    return endA === endB ? 0 : endA > endB ? -1 : 1
  }

  #endsBefore(row: number, high: number, low: number): boolean {
    const endLow = this.#endHalves[row * 2] ?? 0
    const endHigh = this.#endHalves[row * 2 + 1] ?? 0
    if (endLow === 0xffff_ffff) return low === 0 && high === endHigh + 1
    return low === endLow + 1 && high === endHigh
  }

  #grow(): void {
    const length = this.#places.length * 2
    const starts = new BigUint64Array(length)
    starts.set(this.#starts)
    const ends = new BigUint64Array(length)
    ends.set(this.#ends)
    const places = new Uint32Array(length)
    places.set(this.#places)
    this.#starts = starts
    this.#ends = ends
    this.#places = places
    this.#startHalves = new Uint32Array(starts.buffer)
    this.#endHalves = new Uint32Array(ends.buffer)
  }
}

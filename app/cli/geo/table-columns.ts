import type { LocationTableColumns, UpperBits } from '../../../regions/location-table-format.ts'
import type { Partition } from './partition.ts'
import type { PlaceColumns } from './place-list.ts'

/** Both families' partitions, as the columns of a location table. */
export function tableColumns(
  v4: Partition,
  v6: Partition,
  places: PlaceColumns,
  upperBits: UpperBits,
): LocationTableColumns {
  const rows4 = halves(v4)
  const rows6 = halves(v6)
  return {
    ...places,
    start4: prefixStarts(rows4.low),
    ...groups(rows6.high),
    low4: [byteOf(rows4.low, 8), byteOf(rows4.low, 0)],
    low6: [byteOf(rows6.low, 24), byteOf(rows6.low, 16), Uint16Array.from(rows6.low)],
    place4: placeColumns(v4.places, upperBits),
    place6: placeColumns(v6.places, upperBits),
  }
}

/** The upper and the lower 32 bits of every key. */
function halves({ starts }: Partition): { high: Uint32Array; low: Uint32Array } {
  const both = new Uint32Array(starts.buffer, starts.byteOffset, starts.length * 2)
  const high = new Uint32Array(starts.length)
  const low = new Uint32Array(starts.length)
  for (let row = 0; row < starts.length; row++) {
    low[row] = both[row * 2] ?? 0
    high[row] = both[row * 2 + 1] ?? 0
  }
  return { high, low }
}

/** For each value of the upper 16 bits the first row at or above it. */
function prefixStarts(addresses: Uint32Array): Uint32Array {
  const starts = new Uint32Array(65_537)
  let row = 0
  for (let prefix = 0; prefix < 65_536; prefix++) {
    while (row < addresses.length && (addresses[row] ?? 0) >>> 16 < prefix) row++
    starts[prefix] = row
  }
  starts[65_536] = addresses.length
  return starts
}

/** The upper halves that occur, and the first row of each; one more start than there are groups. */
function groups(high: Uint32Array): { prefix6: Uint32Array; start6: Uint32Array } {
  const prefixes: number[] = []
  const starts: number[] = []
  for (const [row, prefix] of high.entries()) {
    if (prefixes.at(-1) === prefix) continue
    prefixes.push(prefix)
    starts.push(row)
  }
  return {
    prefix6: Uint32Array.from(prefixes),
    start6: Uint32Array.from([...starts, high.length]),
  }
}

function byteOf(values: Uint32Array, shift: number): Uint8Array {
  const bytes = new Uint8Array(values.length)
  for (let row = 0; row < values.length; row++) bytes[row] = (values[row] ?? 0) >>> shift
  return bytes
}

function placeColumns(places: Uint32Array, upperBits: UpperBits): [Uint16Array, Uint8Array] {
  const lower = new Uint16Array(places.length)
  const upper = new Uint8Array(Math.ceil((places.length * upperBits) / 8))
  for (let row = 0; row < places.length; row++) {
    const place = places[row] ?? 0
    lower[row] = place
    const bit = row * upperBits
    upper[bit >>> 3] = (upper[bit >>> 3] ?? 0) | ((place >>> 16) << (bit & 7))
  }
  return [lower, upper]
}

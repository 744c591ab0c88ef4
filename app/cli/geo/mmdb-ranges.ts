import { Reader, type Response } from 'mmdb-lib'
import * as z from 'zod'
import { GeoBuildError } from './geo-build-error.ts'
import type { PlaceList } from './place-list.ts'
import { RangeList } from './range-list.ts'

/** What the city files of the packages say of a network; numbers are single precision. */
const recordSchema = z.object({
  country_code: z.string(),
  city: z.string(),
  latitude: z.number(),
  longitude: z.number(),
})

export type MmdbFile = { readonly bytes: Buffer; readonly name: string }

/** The day on which an MMDB file was made, ISO 8601. */
export function mmdbDate(file: MmdbFile): string {
  return open(file).metadata.buildEpoch.toISOString().slice(0, 10)
}

/**
 * Every network of an MMDB file (MaxMind DB format 2.0) in ascending order. A /64 goes by its first
 * address: what a file says of parts of one is not looked at. A record without a city has low
 * confidence: its position is the country's or the state's.
 */
export function readMmdb(file: MmdbFile, family: 4 | 6, places: PlaceList): RangeList {
  const { metadata } = open(file)
  const { nodeCount, ipVersion } = metadata
  if (ipVersion !== family) {
    throw new GeoBuildError(`${file.name} holds IPv${ipVersion}, not IPv${family}`)
  }
  const child = childReader(file.bytes, metadata.recordSize)
  const placeAt = placeReader(file, family, places)
  const ranges = new RangeList()
  const depthMost = family === 4 ? 32 : 64

  // Each node's left half, then its right half: a way down of at most `depthMost` steps.
  function walk(record: number, depth: number, high: number, low: number): void {
    let at = record
    if (depth === depthMost) while (at < nodeCount) at = child(at, 0)
    if (at < nodeCount) {
      walk(child(at, 0), depth + 1, high, low)
      const bit = depthMost - 1 - depth
      if (bit >= 32) walk(child(at, 1), depth + 1, (high | (1 << (bit - 32))) >>> 0, low)
      else walk(child(at, 1), depth + 1, high, (low | (1 << bit)) >>> 0)
    } else if (at > nodeCount) {
      const place = placeAt(at, high, low)
      if (place === 0) return
      const free = depthMost - depth
      const endHigh = free > 32 ? (high | ones(free - 32)) >>> 0 : high
      const endLow = (low | ones(Math.min(free, 32))) >>> 0
      ranges.append(high, low, endHigh, endLow, place)
    }
  }
  walk(0, 0, 0, 0)
  return ranges
}

function ones(bits: number): number {
  return bits === 32 ? 0xffff_ffff : (1 << bits) - 1
}

function open({ bytes, name }: MmdbFile): Reader<Response> {
  try {
    return new Reader<Response>(bytes)
  } catch (cause) {
    throw new GeoBuildError(`${name} is no MMDB file`, { cause })
  }
}

/** Reads a node's left (0) or right (1) record; mmdb-lib has no way through the whole tree. */
function childReader(bytes: Buffer, recordSize: number): (node: number, side: 0 | 1) => number {
  const byte = (at: number) => bytes[at] ?? 0
  const three = (at: number) => (byte(at) << 16) | (byte(at + 1) << 8) | byte(at + 2)
  switch (recordSize) {
    case 24:
      return (node, side) => three(node * 6 + side * 3)
    case 28:
      return (node, side) => {
        const at = node * 7
        const middle = byte(at + 3)
        if (side === 0) return ((middle & 0xf0) << 20) | three(at)
        return ((middle & 0x0f) << 24) | three(at + 4)
      }
    default:
      return (node, side) => bytes.readUInt32BE(node * 8 + side * 4)
  }
}

/** The place of the record that an address leads to; each record is read once. */
function placeReader(file: MmdbFile, family: 4 | 6, places: PlaceList) {
  const reader = open(file)
  const known = new Map<number, number>()
  return (pointer: number, high: number, low: number): number => {
    const place = known.get(pointer)
    if (place !== undefined) return place
    const record = recordSchema.safeParse(reader.get(addressText(family, high, low)))
    if (!record.success) throw new GeoBuildError(`${file.name} holds records of another kind`)
    const { country_code: country, city, latitude: lat, longitude: lon } = record.data
    const read = places.idOf({ lat, lon, country, confidence: city === '' ? 'low' : 'normal' })
    known.set(pointer, read)
    return read
  }
}

/** The address of a key, in a form that any parser reads. */
export function addressText(family: 4 | 6, high: number, low: number): string {
  if (family === 4) return [low >>> 24, (low >>> 16) & 255, (low >>> 8) & 255, low & 255].join('.')
  const groups = [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff]
  return `${groups.map((group) => group.toString(16)).join(':')}::`
}

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

/** Between two looks at the clock: what is below these depths, each part read within milliseconds. */
const restDepth = { 4: 12, 6: 24 } as const

/**
 * Every network of an MMDB file (MaxMind DB format 2.0) in ascending order. A /64 of several networks
 * goes by what most of its addresses lead to. A record without a city has low confidence: its position
 * is the country's or the state's. `rest` is awaited every `restMs`, with the part that is read, 0 to 1:
 * the terminal and Ctrl-C have their turn.
 */
export async function readMmdb(
  file: MmdbFile,
  family: 4 | 6,
  places: PlaceList,
  rest: (part: number) => Promise<void>,
  restMs = 50,
): Promise<RangeList> {
  const { metadata } = open(file)
  const { nodeCount, ipVersion } = metadata
  if (ipVersion !== family) {
    throw new GeoBuildError(`${file.name} holds IPv${ipVersion}, not IPv${family}`)
  }
  const child = childReader(file.bytes, metadata.recordSize)
  const placeAt = placeReader(file, family, places)
  const ranges = new RangeList()
  const depthMost = family === 4 ? 32 : 64
  const highBit = (depth: number) => (depthMost - depth > 32 ? 1 << (depthMost - 33 - depth) : 0)
  const lowBit = (depth: number) => (depthMost - depth > 32 ? 0 : 1 << (depthMost - 1 - depth))
  let nodes = 0

  // Each node's left half, then its right half: a way down of at most `depthMost` steps.
  function walk(record: number, depth: number, high: number, low: number): void {
    if (record < nodeCount && depth < depthMost) {
      nodes++
      walk(child(record, 0), depth + 1, high, low)
      const right = child(record, 1)
      walk(right, depth + 1, (high | highBit(depth)) >>> 0, (low | lowBit(depth)) >>> 0)
    } else if (record !== nodeCount) {
      const { leaf, host } = record < nodeCount ? mostOf(record) : { leaf: record, host: 0n }
      const place = leaf === nodeCount ? 0 : placeAt(leaf, high, low, host)
      if (place === 0) return
      const free = depthMost - depth
      const endHigh = free > 32 ? (high | ones(free - 32)) >>> 0 : high
      const endLow = (low | ones(Math.min(free, 32))) >>> 0
      ranges.append(high, low, endHigh, endLow, place)
    }
  }

  /** The leaf that most of a divided /64 leads to (the first of two as wide), and a host of it. */
  function mostOf(node: number): { leaf: number; host: bigint } {
    const parts = new Map<number, { leaf: number; host: bigint; part: number }>()
    const visit = (record: number, depth: number, host: bigint): void => {
      if (record < nodeCount) {
        visit(child(record, 0), depth + 1, host)
        visit(child(record, 1), depth + 1, host | (1n << BigInt(63 - depth)))
        return
      }
      const known = parts.get(record)
      if (known === undefined) parts.set(record, { leaf: record, host, part: 2 ** -depth })
      else known.part += 2 ** -depth
    }
    visit(node, 0, 0n)
    return [...parts.values()].reduce((most, it) => (it.part > most.part ? it : most))
  }

  /** Walks the tree, and rests between its parts. */
  async function walkInParts(record: number, depth: number, high: number, low: number) {
    if (record < nodeCount && depth < restDepth[family]) {
      nodes++
      await walkInParts(child(record, 0), depth + 1, high, low)
      const right = child(record, 1)
      await walkInParts(
        right,
        depth + 1,
        (high | highBit(depth)) >>> 0,
        (low | lowBit(depth)) >>> 0,
      )
      return
    }
    walk(record, depth, high, low)
    if (performance.now() - restedAt < restMs) return
    await rest(nodes / nodeCount)
    restedAt = performance.now()
  }
  let restedAt = performance.now()
  await walkInParts(0, 0, 0, 0)
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
  return (pointer: number, high: number, low: number, host: bigint): number => {
    const place = known.get(pointer)
    if (place !== undefined) return place
    const record = recordSchema.safeParse(reader.get(addressText(family, high, low, host)))
    if (!record.success) throw new GeoBuildError(`${file.name} holds records of another kind`)
    const { country_code: country, city, latitude: lat, longitude: lon } = record.data
    const read = places.idOf({ lat, lon, country, confidence: city === '' ? 'low' : 'normal' })
    known.set(pointer, read)
    return read
  }
}

/** The address of a key, in a form that any parser reads; `host` is the lower half of an IPv6 address. */
export function addressText(family: 4 | 6, high: number, low: number, host = 0n): string {
  if (family === 4) return [low >>> 24, (low >>> 16) & 255, (low >>> 8) & 255, low & 255].join('.')
  const groups = [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff].map((it) => it.toString(16))
  if (host === 0n) return `${groups.join(':')}::`
  const lower = [48n, 32n, 16n, 0n].map((shift) => ((host >> shift) & 0xffffn).toString(16))
  return [...groups, ...lower].join(':')
}

import { open } from 'node:fs/promises'
import { endianness } from 'node:os'
import { type AddressKey, addressKey } from './address-key.ts'
import { type Continent, findContinent } from './continent.ts'
import type { Locate } from './location.ts'
import {
  confidences,
  decodeLocationTable,
  type LocationTableColumns,
  LocationTableError,
  type LocationTableHeader,
} from './location-table-format.ts'

export type LocationTable = { readonly locate: Locate; readonly header: LocationTableHeader }

/**
 * Reads a compiled location table; throws LocationTableError, whose message says what to do. With
 * `verify` the checksum of the whole file is made too, which takes half as long again.
 */
export async function loadLocationTable(
  file: string,
  { verify }: { verify: boolean },
): Promise<LocationTable> {
  const bytes = await readWhole(file)
  const table = openLocationTable(bytes, file)
  if (verify) (await import('./location-table-checksum.ts')).assertIntact(bytes, file)
  return table
}

/** A table over the bytes of its file; `name` is the file's, for errors. */
export function openLocationTable(bytes: Uint8Array<ArrayBuffer>, name: string): LocationTable {
  if (endianness() !== 'LE') throw new LocationTableError(name, 'needs a little-endian machine')
  const { header, columns } = decodeLocationTable(bytes, name)
  return { locate: locateIn(header, columns), header }
}

async function readWhole(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const handle = await open(file)
    try {
      // A buffer of its own, so that columns are aligned; fs.readFile would read it in pieces.
      const bytes = new Uint8Array((await handle.stat()).size)
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0)
      if (bytesRead !== bytes.length) throw new LocationTableError(file, 'is cut off')
      return bytes
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof LocationTableError) throw error
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    const problem = missing ? 'is not there' : "can't be read"
    throw new LocationTableError(file, problem, { cause: error })
  }
}

function locateIn(header: LocationTableHeader, columns: LocationTableColumns): Locate {
  const { source, date } = header
  const continents: readonly (Continent | undefined)[] = header.countries.map(findContinent)
  return (text) => {
    const key = addressKey(text)
    if (key === undefined) return undefined
    const place = placeOf(key, columns, header.upperBits)
    if (place === 0) return undefined
    const countryIndex = columns.countries[place] ?? -1
    const country = header.countries[countryIndex]
    const continent = continents[countryIndex]
    const confidence = confidences[columns.confidences[place] ?? -1]
    if (country === undefined || continent === undefined || confidence === undefined)
      return undefined
    const lat = (columns.lats[place] ?? 0) / 100
    const lon = (columns.lons[place] ?? 0) / 100
    return { lat, lon, country, continent, confidence, source, date }
  }
}

/** 0 where nothing is known. */
function placeOf(key: AddressKey, columns: LocationTableColumns, upperBits: number): number {
  const row = key.family === 4 ? findRow4(key.low, columns) : findRow6(key, columns)
  if (row < 0) return 0
  const [lower, upper] = key.family === 4 ? columns.place4 : columns.place6
  const bit = row * upperBits
  const above = ((upper[bit >>> 3] ?? 0) >>> (bit & 7)) & ((1 << upperBits) - 1)
  return (lower[row] ?? 0) + above * 65_536
}

/** The last row at or before the address; -1 where there is none. */
function findRow4(address: number, { start4, low4 }: LocationTableColumns): number {
  const prefix = address >>> 16
  const target = address & 0xffff
  const [byte1, byte0] = low4
  let from = start4[prefix] ?? 0
  let to = start4[prefix + 1] ?? 0
  while (from < to) {
    const middle = (from + to) >>> 1
    const start = ((byte1[middle] ?? 0) << 8) | (byte0[middle] ?? 0)
    if (start <= target) from = middle + 1
    else to = middle
  }
  return from - 1
}

function findRow6(key: AddressKey, columns: LocationTableColumns): number {
  const { prefix6, start6, low6 } = columns
  const group = lastAtOrBefore(prefix6, key.high)
  if (group < 0) return -1
  const end = start6[group + 1] ?? 0
  if ((prefix6[group] ?? 0) < key.high) return end - 1
  const [byte3, byte2, rest] = low6
  const targetUpper = key.low >>> 16
  const targetRest = key.low & 0xffff
  let from = start6[group] ?? 0
  let to = end
  while (from < to) {
    const middle = (from + to) >>> 1
    const upper = ((byte3[middle] ?? 0) << 8) | (byte2[middle] ?? 0)
    // The rest seldom decides: one memory access less.
    const reached = upper === targetUpper ? (rest[middle] ?? 0) <= targetRest : upper < targetUpper
    if (reached) from = middle + 1
    else to = middle
  }
  return from - 1
}

function lastAtOrBefore(sorted: Uint32Array, target: number): number {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((sorted[middle] ?? 0) <= target) from = middle + 1
    else to = middle
  }
  return from - 1
}

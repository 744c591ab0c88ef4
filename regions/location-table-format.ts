/**
 * The compiled location table: one file, little-endian, read as a whole.
 *
 *     0   8  magic `LFPLACES`
 *     8   4  format version (unsigned)
 *    12   4  bytes of the header's JSON (unsigned)
 *    16   4  CRC-32 of everything from byte 24 on (unsigned)
 *    20   4  zero
 *    24   n  header, JSON, then zeros to a multiple of 8
 *            the columns in the order of `columnLayout`, each padded with zeros to a multiple of 8
 *
 * A row says "from this address on, until the next row". IPv4 rows are grouped by the address's upper 16
 * bits: `start4[p]` is the first row of prefix p, and the lower 16 bits stand in two byte columns (which
 * compress better than one of two bytes). IPv6 rows have /64 keys and are grouped by the upper 32 bits,
 * of which only those that occur are listed, in `prefix6`. Place 0 is "unknown"; a place's lower 16 bits
 * stand in a column of their own, what is above them in `upperBits` bits a row, eight rows and more a byte.
 *
 * Whatever changes here, even where a file keeps its length, raises the version: a table that is read by
 * another layout than its own gives wrong answers, and no error.
 */

const magic = 'LFPLACES'
const formatVersion = 2
const prelude = 24

/** Where the checksum stands, and what it is of: everything from there on. */
export const checksumAt = 16
export const checksumFrom = prelude

export type LocationTableHeader = {
  /** Whose data: as in `Location`. */
  readonly source: string
  /** The day of the oldest of those data, ISO 8601. */
  readonly date: string
  /** The packages with their versions, for people. */
  readonly packages: string
  /** What the data's licence asks to be said. */
  readonly attribution: string
  /** Country codes; `countries` holds indexes into them. */
  readonly countries: readonly string[]
  readonly rows4: number
  readonly rows6: number
  readonly prefixes6: number
  /** Place 0 among them. */
  readonly places: number
  /** A power of two up to 8, or 0 where 16 bits number every place. */
  readonly upperBits: UpperBits
}

export type UpperBits = 0 | 1 | 2 | 4 | 8

export type LocationTableColumns = {
  readonly start4: Uint32Array
  readonly prefix6: Uint32Array
  readonly start6: Uint32Array
  /** Degrees × 100. */
  readonly lats: Int16Array
  readonly lons: Int16Array
  readonly countries: Uint8Array
  /** Indexes into `confidences`. */
  readonly confidences: Uint8Array
  /** The lower 16 bits of an IPv4 row's address, the upper byte first. */
  readonly low4: readonly [Uint8Array, Uint8Array]
  /** The lower 32 bits of an IPv6 row's /64 key: the uppermost byte, the next one, the rest. */
  readonly low6: readonly [Uint8Array, Uint8Array, Uint16Array]
  /** A row's place: the lower 16 bits, and those above them, packed from a byte's lowest bit on. */
  readonly place4: readonly [Uint16Array, Uint8Array]
  readonly place6: readonly [Uint16Array, Uint8Array]
}

/** How many bits above 16 number so many places. */
export function upperBitsFor(places: number): UpperBits {
  const choices = [0, 1, 2, 4] as const
  return choices.find((bits) => places <= 2 ** (16 + bits)) ?? 8
}

export const confidences = ['low', 'normal', 'high'] as const

export class LocationTableError extends Error {
  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`the location table ${file} ${problem}; make it anew: npm run geo:build`, options)
    this.name = 'LocationTableError'
  }
}

/** The file's parts, to be written one after the other; `sealLocationTable` puts the checksum in. */
export function encodeLocationTable(
  header: LocationTableHeader,
  columns: LocationTableColumns,
): Uint8Array[] {
  const json = Buffer.from(JSON.stringify(header))
  const head = Buffer.alloc(padded(prelude + json.length))
  head.write(magic, 'latin1')
  head.writeUInt32LE(formatVersion, 8)
  head.writeUInt32LE(json.length, 12)
  json.copy(head, prelude)
  const parts: Uint8Array[] = [head]
  for (const column of listColumns(columns)) {
    const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength)
    parts.push(bytes, new Uint8Array(padded(bytes.length) - bytes.length))
  }
  return parts
}

/**
 * The columns as views of the file's bytes, which must begin at a multiple of 8 in their buffer. Throws
 * LocationTableError where they are no table of this version or not all of one; whether every byte is as
 * it was written, `assertIntact` says.
 */
export function decodeLocationTable(
  bytes: Uint8Array<ArrayBuffer>,
  file: string,
): { header: LocationTableHeader; columns: LocationTableColumns } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < prelude || view.toString('latin1', 0, 8) !== magic) {
    throw new LocationTableError(file, 'is none')
  }
  const version = view.readUInt32LE(8)
  if (version !== formatVersion) {
    throw new LocationTableError(file, `has format version ${version}, not ${formatVersion}`)
  }
  const headerEnd = prelude + view.readUInt32LE(12)
  if (headerEnd > bytes.length) throw new LocationTableError(file, 'is cut off')
  const header = parseHeader(view.toString('utf8', prelude, headerEnd), file)
  let at = bytes.byteOffset + padded(headerEnd)
  const end = bytes.byteOffset + bytes.length
  const take = (count: number, width: number): [ArrayBuffer, number, number] => {
    const from = at
    at += padded(count * width)
    if (at > end) throw new LocationTableError(file, 'is cut off')
    return [bytes.buffer, from, count]
  }
  const u8 = (count: number) => new Uint8Array(...take(count, 1))
  const u16 = (count: number) => new Uint16Array(...take(count, 2))
  const u32 = (count: number) => new Uint32Array(...take(count, 4))
  const { rows4, rows6, prefixes6, places, upperBits } = header
  // In the order of `listColumns`.
  const columns: LocationTableColumns = {
    start4: u32(65_537),
    prefix6: u32(prefixes6),
    start6: u32(prefixes6 + 1),
    lats: new Int16Array(...take(places, 2)),
    lons: new Int16Array(...take(places, 2)),
    countries: u8(places),
    confidences: u8(places),
    low4: [u8(rows4), u8(rows4)],
    low6: [u8(rows6), u8(rows6), u16(rows6)],
    place4: [u16(rows4), u8(Math.ceil((rows4 * upperBits) / 8))],
    place6: [u16(rows6), u8(Math.ceil((rows6 * upperBits) / 8))],
  }
  if (at !== end) throw new LocationTableError(file, 'is longer than it says')
  if (columns.start4.at(-1) !== rows4 || columns.start6.at(-1) !== rows6) {
    throw new LocationTableError(file, 'contradicts itself')
  }
  return { header, columns }
}

function listColumns(columns: LocationTableColumns) {
  const { start4, prefix6, start6, lats, lons, countries, confidences: trust } = columns
  const small = [start4, prefix6, start6, lats, lons, countries, trust]
  return [...small, ...columns.low4, ...columns.low6, ...columns.place4, ...columns.place6]
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}

function parseHeader(text: string, file: string): LocationTableHeader {
  let header: unknown
  try {
    header = JSON.parse(text)
  } catch (cause) {
    throw new LocationTableError(file, 'has no readable header', { cause })
  }
  if (isHeader(header)) return header
  throw new LocationTableError(file, 'has a header without all of its members')
}

/** By hand: a schema library would take longer to load than the table. */
function isHeader(value: unknown): value is LocationTableHeader {
  if (typeof value !== 'object' || value === null) return false
  const members: Partial<Record<string, unknown>> = { ...value }
  const texts = ['source', 'date', 'packages', 'attribution']
  const counts = ['rows4', 'rows6', 'prefixes6', 'places']
  const { countries, upperBits } = members
  return (
    texts.every((name) => typeof members[name] === 'string') &&
    counts.every((name) => Number.isSafeInteger(members[name]) && Number(members[name]) >= 0) &&
    [0, 1, 2, 4, 8].includes(Number(upperBits)) &&
    Array.isArray(countries) &&
    countries.every((it) => typeof it === 'string')
  )
}

import { usable } from '../../../regions/geoip-lite-location.ts'
import { GeoBuildError } from './geo-build-error.ts'
import type { PlaceList } from './place-list.ts'
import { RangeList } from './range-list.ts'

/** The package's city files: rows of ranges and positions, and the names that they point to. */
export type GeoipLiteFiles = { readonly rows: Buffer; readonly names: Buffer }

/** Bytes of a row, and where in it the ends, the name's index, the position and the radius stand. */
const layouts = {
  4: { row: 24, name: 8, position: 12, radius: 20 },
  6: { row: 48, name: 32, position: 36, radius: 44 },
} as const

const bytesOfName = 88
const noName = 0xffff_ffff

/** Positions are degrees × 10,000. */
const perDegree = 10_000

/**
 * Every range of geoip-lite's city files, in their order. IPv6 rows whose ends are no network are left
 * out: the package's own conversion garbled them. A /64 goes by its first address.
 */
export function readGeoipLite(files: GeoipLiteFiles, family: 4 | 6, places: PlaceList): RangeList {
  const { rows, names } = files
  const layout = layouts[family]
  if (rows.length === 0 || rows.length % layout.row !== 0 || names.length % bytesOfName !== 0) {
    throw new GeoBuildError("geoip-lite's city files are not there, or of another version")
  }
  const ranges = new RangeList()
  for (let at = 0; at < rows.length; at += layout.row) {
    const place = placeAt(at)
    if (place === 0) continue
    if (family === 4) {
      ranges.add(0, rows.readUInt32BE(at), 0, rows.readUInt32BE(at + 4), place)
    } else {
      addNetwork(ranges, rows, at, place)
    }
  }
  return ranges

  function placeAt(at: number): number {
    const name = rows.readUInt32BE(at + layout.name)
    if (name === noName) return 0
    const country = names.toString('latin1', name * bytesOfName, name * bytesOfName + 2)
    const lat = rows.readInt32BE(at + layout.position) / perDegree
    const lon = rows.readInt32BE(at + layout.position + 4) / perDegree
    const area = rows.readInt32BE(at + layout.radius)
    const found = usable({ country, ll: [lat, lon], area }, '')
    return found === undefined ? 0 : places.idOf(found)
  }
}

function addNetwork(ranges: RangeList, rows: Buffer, at: number, place: number): void {
  const first = whole(rows, at)
  const last = whole(rows, at + 16)
  const size = last - first + 1n
  const isNetwork = size > 0n && (size & (size - 1n)) === 0n && first % size === 0n
  if (!isNetwork) return
  const lower = 0xffff_ffffn
  const start = (first >> 64n) + ((first & 0xffff_ffff_ffff_ffffn) === 0n ? 0n : 1n)
  const end = last >> 64n
  if (end < start) return
  const high = (key: bigint) => Number(key >> 32n)
  const low = (key: bigint) => Number(key & lower)
  ranges.add(high(start), low(start), high(end), low(end), place)
}

function whole(rows: Buffer, at: number): bigint {
  return (rows.readBigUInt64BE(at) << 64n) | rows.readBigUInt64BE(at + 8)
}

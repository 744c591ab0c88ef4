import { buildTable, settleRanges } from '../../../../app/cli/geo/build-table.ts'
import { PlaceList, type SourcePlace } from '../../../../app/cli/geo/place-list.ts'
import { RangeList } from '../../../../app/cli/geo/range-list.ts'
import { addressKey } from '../../../../regions/address-key.ts'

/** First and last address, and the place. */
export type TinyRow = readonly [first: string, last: string, place: SourcePlace]

export const dublin: SourcePlace = { lat: 53.35, lon: -6.26, country: 'IE', confidence: 'normal' }
export const tokyo: SourcePlace = { lat: 35.68, lon: 139.69, country: 'JP', confidence: 'high' }
export const kansas: SourcePlace = { lat: 37.751, lon: -97.822, country: 'US', confidence: 'low' }

/** Rows as ranges of one family, as they come. */
export function rangesOf(rows: readonly TinyRow[], places: PlaceList): RangeList {
  const ranges = new RangeList()
  for (const [first, last, place] of rows) {
    const { high, low } = { ...keyOf(first) }
    const end = keyOf(last)
    ranges.add(high, low, end.high, end.low, places.idOf(place))
  }
  return ranges
}

function keyOf(address: string) {
  const key = addressKey(address)
  if (key === undefined) throw new Error(`no address: ${address}`)
  return key
}

/** The file of a table with these rows. */
export function tinyTable(
  rows4: readonly TinyRow[],
  rows6: readonly TinyRow[],
): Uint8Array<ArrayBuffer> {
  const places = new PlaceList()
  const parts = buildTable({
    source: 'dbip',
    date: '2026-06-05',
    packages: 'tiny@1',
    attribution: 'made by hand',
    places,
    v4: settleRanges(4, rangesOf(rows4, places)),
    v6: settleRanges(6, rangesOf(rows6, places)),
  })
  return Uint8Array.from(Buffer.concat(parts))
}

/** Dublin, Tokyo and the middle of the United States, in both families. */
export const tinyRows = {
  v4: [
    ['1.0.0.0', '1.0.0.255', tokyo],
    ['8.8.8.0', '8.8.8.255', kansas],
    ['134.226.0.0', '134.227.255.255', dublin],
  ],
  v6: [
    ['2001:200::', '2001:200:ffff:ffff::', tokyo],
    ['2a00:1450::', '2a00:1450:0:8::', dublin],
  ],
} satisfies Record<string, readonly TinyRow[]>

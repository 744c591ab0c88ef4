import { countryCodes } from '../../../regions/continent.ts'
import { sealLocationTable } from '../../../regions/location-table-checksum.ts'
import { encodeLocationTable, upperBitsFor } from '../../../regions/location-table-format.ts'
import { GeoBuildError } from './geo-build-error.ts'
import { type Partition, partition, without } from './partition.ts'
import type { PlaceColumns } from './place-list.ts'
import type { RangeList } from './range-list.ts'
import { reserved4, reserved6 } from './reserved.ts'
import { tableColumns } from './table-columns.ts'

/** What was read, and whose it is. */
export type SourceData = {
  readonly source: string
  /** ISO 8601. */
  readonly date: string
  readonly packages: string
  readonly attribution: string
  readonly places: { readonly size: number; columns(): PlaceColumns }
  readonly v4: Partition
  readonly v6: Partition
}

/** More than a place column can number. */
const mostPlaces = 1 << 24

/** A family's ranges as the table wants them: no overlap, nothing reserved. */
export function settleRanges(family: 4 | 6, ranges: RangeList): Partition {
  return without(partition(ranges), family === 4 ? reserved4 : reserved6)
}

/** The compiled table, in the parts of its file. */
export function buildTable(data: SourceData): readonly Uint8Array[] {
  if (data.v4.starts.length === 0 || data.v6.starts.length === 0) {
    throw new GeoBuildError(`${data.packages} holds no ranges of one of the two families`)
  }
  if (data.places.size > mostPlaces) throw new GeoBuildError('there are too many places')
  const upperBits = upperBitsFor(data.places.size)
  const columns = tableColumns(data.v4, data.v6, data.places.columns(), upperBits)
  const header = {
    source: data.source,
    date: data.date,
    packages: data.packages,
    attribution: data.attribution,
    countries: countryCodes,
    rows4: data.v4.starts.length,
    rows6: data.v6.starts.length,
    prefixes6: columns.prefix6.length,
    places: data.places.size,
    upperBits,
  }
  return sealLocationTable(encodeLocationTable(header, columns))
}

import { geoipLiteAttribution, loadGeoipLite } from './geoip-lite-location.ts'
import type { Locate } from './location.ts'
import { loadLocationTable } from './location-table.ts'
import { LocationTableError } from './location-table-format.ts'

export type LoadedLocation = {
  readonly locate: Locate
  /** Whose data, as in `Location`. */
  readonly source: string
  /** Their day, ISO 8601. */
  readonly date: string
  /** What their licence asks to be said where they are shown. */
  readonly attribution: string
  /** For log or terminal, where these are not the data that should be used. */
  readonly warning?: string
  /** Why there are no data: nobody is located. */
  readonly missing?: string
}

/**
 * Location data for this process: a compiled table where a file is named, which must be a good one
 * (LocationTableError) to its last byte, unless `verify` is false: for a package that was checked when
 * it was unpacked. Else geoip-lite's data, with a warning. Reads files only, never the network.
 */
export async function loadLocation(
  file: string | undefined,
  { verify = true }: { verify?: boolean } = {},
): Promise<LoadedLocation> {
  if (file !== undefined) {
    const { locate, header } = await loadLocationTable(file, { verify })
    return { locate, source: header.source, date: header.date, attribution: header.attribution }
  }
  const { locate, date } = await loadGeoipLite()
  const attribution = geoipLiteAttribution
  return { locate, source: 'geoip-lite', date, attribution, warning: fallbackWarning(date) }
}

/**
 * As `loadLocation`, for an edge: a table that is named and can't be used is told in `missing` instead of
 * thrown, since devices that need no locating are better served than none.
 */
export async function loadLocationOrNone(
  file: string | undefined,
  options: { verify?: boolean } = {},
): Promise<LoadedLocation> {
  try {
    return await loadLocation(file, options)
  } catch (error) {
    if (!(error instanceof LocationTableError)) throw error
    const none = { locate: () => undefined, source: 'none', date: '', attribution: '' }
    return { ...none, missing: error.message }
  }
}

/** What is to be said where geoip-lite's data of that day serve. */
export function fallbackWarning(date: string): string {
  return `no location table: devices are located by geoip-lite's data of ${date}; make a table: npm run geo:build`
}

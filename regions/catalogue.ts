import rows from './catalogue.json' with { type: 'json' }

/**
 * One AWS Region that offers AWS IoT Core.
 * Coordinates are the city's, in degrees (AWS publishes none).
 * `lowQuotaTier`: this Region's default quotas are the lower column of "AWS IoT Core endpoints and quotas".
 */
export type CatalogueRegion = {
  readonly region: string
  readonly city: string
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  readonly lat: number
  readonly lon: number
  readonly optIn: boolean
  readonly lowQuotaTier: boolean
}

/** The commercial Regions with AWS IoT Core (AWS General Reference, "AWS IoT Core endpoints and quotas"). */
export const catalogue: readonly CatalogueRegion[] = rows

const byName = new Map(catalogue.map((row) => [row.region, row]))

/** The catalogue's row of a Region, or undefined where AWS IoT Core isn't offered. */
export function findRegion(region: string): CatalogueRegion | undefined {
  return byName.get(region)
}

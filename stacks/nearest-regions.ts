import { catalogue } from '../regions/catalogue.ts'

/** Regions with AWS IoT Core on the same continent as one that has none, by its name's first part. */
export function nearestRegions(name: string): string[] {
  const area = name.slice(0, 2)
  const near = catalogue.filter((row) => row.region.startsWith(`${area}-`))
  return (near.length > 0 ? near : catalogue).map((row) => row.region)
}

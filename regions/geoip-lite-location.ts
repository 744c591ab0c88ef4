import { readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { findContinent } from './continent.ts'
import { type Confidence, type Locate, type Location, publicAddress } from './location.ts'

/** An accuracy radius from which a position says little more than the country. */
const lowConfidenceRadiusKm = 500

/** MD5 of MaxMind's archive that every release of the package has carried since 2019. */
const bundledChecksum = '738794f02b34c28847582790e570b533'
/** What the package's issue 251 says of it. */
const bundledDate = '2019-08-28'

export const geoipLiteAttribution =
  'This product includes GeoLite2 data created by MaxMind, https://www.maxmind.com (CC BY-SA 4.0)'

/**
 * Locates by geoip-lite's data (CC BY-SA 4.0, from MaxMind's GeoLite2). Loading takes about 100 ms and
 * 110 MB, once per process. `[0,0]`, missing coordinates and an empty country count as unknown;
 * mapped IPv6 is looked up as IPv4. Throws where the package isn't installed.
 */
export async function loadGeoipLite(): Promise<{ locate: Locate; date: string }> {
  const [{ default: geoip }, date] = await Promise.all([import('geoip-lite'), geoipLiteDate()])
  const locate: Locate = (text) => {
    const address = publicAddress(text)
    if (address === undefined) return undefined
    const found = geoip.lookup(address)
    return found === null ? undefined : usable(found, date)
  }
  return { locate, date }
}

/** The folder of the package's data files. */
export function geoipLiteFolder(): string {
  const manifest = createRequire(import.meta.url).resolve('geoip-lite/package.json')
  return join(dirname(manifest), 'data')
}

/** The day of geoip-lite's data: known for the bundled ones, else the day on which updatedb ran. */
export async function geoipLiteDate(folder = geoipLiteFolder()): Promise<string> {
  const checksum = await readFile(join(folder, 'city.checksum'), 'utf8').catch(() => '')
  if (checksum.trim() === bundledChecksum) return bundledDate
  return (await stat(join(folder, 'geoip-city.dat'))).mtime.toISOString().slice(0, 10)
}

/** What geoip-lite may really hold: its own typings promise more. */
type Found = { country?: string; ll?: readonly (number | null)[] | null; area?: number }

/** A lookup's answer as a location, or undefined where it says nothing. */
export function usable(found: Found, date: string): Location | undefined {
  const [lat, lon] = found.ll ?? []
  if (typeof lat !== 'number' || typeof lon !== 'number') return undefined
  if (lat === 0 && lon === 0) return undefined
  if (!(Math.abs(lat) <= 90 && Math.abs(lon) <= 180)) return undefined
  const country = found.country ?? ''
  const continent = findContinent(country)
  if (continent === undefined) return undefined
  const confidence = radiusConfidence(found.area)
  return { lat, lon, country, continent, confidence, source: 'geoip-lite', date }
}

/** How far an accuracy radius in kilometres (absent: 0) can be trusted. */
export function radiusConfidence(radiusKm = 0): Confidence {
  return radiusKm >= lowConfidenceRadiusKm ? 'low' : 'normal'
}

import { type Locate, type Location, publicAddress } from './location.ts'

/** An accuracy radius from which a position says little more than the country. */
const lowConfidenceRadiusKm = 500

/**
 * Locates by geoip-lite's bundled data (CC BY-SA 4.0, from MaxMind's GeoLite2). Loading takes about
 * 100 ms and 110 MB, once per process. `[0,0]`, missing coordinates and an empty country count as
 * unknown; mapped IPv6 is looked up as IPv4.
 */
export async function loadGeoipLite(): Promise<Locate> {
  const { default: geoip } = await import('geoip-lite')
  return (text) => {
    const address = publicAddress(text)
    if (address === undefined) return undefined
    const found = geoip.lookup(address)
    return found === null ? undefined : usable(found)
  }
}

/** What geoip-lite may really hold: its own typings promise more. */
type Found = { country?: string; ll?: readonly (number | null)[] | null; area?: number }

/** A lookup's answer as a location, or undefined where it says nothing. */
export function usable(found: Found): Location | undefined {
  const [lat, lon] = found.ll ?? []
  if (typeof lat !== 'number' || typeof lon !== 'number') return undefined
  if (!found.country || (lat === 0 && lon === 0)) return undefined
  if (Math.abs(lat) > 90 || Math.abs(lon) > 180) return undefined
  const low = (found.area ?? 0) >= lowConfidenceRadiusKm
  return {
    lat,
    lon,
    country: found.country,
    confidence: low ? 'low' : 'normal',
    source: 'geoip-lite',
  }
}

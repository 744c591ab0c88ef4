import ipaddr from 'ipaddr.js'
import type { Continent } from './continent.ts'
import type { Place } from './distance.ts'

/**
 * `high`: two independent sources agree. `low`: the source knows little more than the country, or two
 * sources contradict each other. `normal`: everything else.
 */
export type Confidence = 'low' | 'normal' | 'high'

/** Where an address is, as far as is known. */
export type Location = Place & {
  /** ISO 3166-1 alpha-2, and XK for Kosovo. */
  readonly country: string
  readonly continent: Continent
  readonly confidence: Confidence
  /** Whose data said so: `dbip`, `geolite2`, `dbip+geolite2` or `geoip-lite`. */
  readonly source: string
  /** The day of those data, ISO 8601. */
  readonly date: string
}

/** Looks an address up; undefined where nothing is known. Never throws. */
export type Locate = (address: string) => Location | undefined

/**
 * The canonical text of a public unicast address: IPv4-mapped IPv6 becomes IPv4, and port, brackets
 * and zone id are cut off. Undefined for private, loopback and reserved addresses and for what is no
 * address at all.
 */
export function publicAddress(text: string): string | undefined {
  const address = parseAddress(text)
  return address?.range() === 'unicast' ? address.toString() : undefined
}

/** Parses an address as proxies and sockets write it; a mapped IPv6 address comes back as IPv4. */
export function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (text.length > 100) return undefined
  const trimmed = text.trim()
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(trimmed)
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(trimmed)
  const bare = (bracketed?.[1] ?? withPort?.[1] ?? trimmed).replace(/%.*$/, '')
  // IPv4-compatible IPv6 is nobody's (RFC 4291 section 2.5.5.1); ipaddr.js would take it for mapped.
  if (/^::\d+\.\d+\.\d+\.\d+$/.test(bare)) return undefined
  // Only the four-part decimal form of IPv4: octal, hex and short forms are ways to smuggle addresses.
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare)
  if (!bare.includes(':') || !ipaddr.IPv6.isValid(bare)) return undefined
  const address = ipaddr.IPv6.parse(bare)
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

import ipaddr from 'ipaddr.js'
import type { Place } from './distance.ts'

/** Where an address is, as far as is known. `country` is ISO 3166-1 alpha-2. */
export type Location = Place & {
  readonly country: string
  /** `low` where the source itself gives an accuracy radius of 500 km or more. */
  readonly confidence: 'normal' | 'low'
  readonly source: string
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
  // Only the four-part decimal form of IPv4: octal, hex and short forms are ways to smuggle addresses.
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare)
  if (!bare.includes(':') || !ipaddr.IPv6.isValid(bare)) return undefined
  const address = ipaddr.IPv6.parse(bare)
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

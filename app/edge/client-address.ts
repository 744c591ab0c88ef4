import ipaddr from 'ipaddr.js'
import { parseAddress } from '../../regions/location.ts'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/**
 * Finds the device's address: the peer that the platform vouches for; where that peer is a trusted
 * proxy, the last entry of X-Forwarded-For that is no trusted proxy itself, read from the right.
 * Whatever stands further left was written by the caller. An entry that is no address ends the walk.
 */
export function clientAddress(trustedProxies: readonly string[]) {
  const networks = trustedProxies.map((text): [Address, number] => {
    if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text)
    const address = ipaddr.parse(text)
    return [address, address.kind() === 'ipv4' ? 32 : 128]
  })
  const isTrusted = (address: Address) =>
    networks.some(([network, bits]) =>
      network.kind() === address.kind() ? address.match(network, bits) : false,
    )

  return (peer: string, forwardedFor: string | undefined): string => {
    let address = parseAddress(peer)
    if (address === undefined) return peer
    for (const entry of forwardedFor?.split(',').reverse() ?? []) {
      if (!isTrusted(address)) break
      const next = parseAddress(entry)
      if (next === undefined) break
      address = next
    }
    return address.toString()
  }
}

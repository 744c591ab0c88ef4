import ipaddr from 'ipaddr.js'
import type { Block } from './partition.ts'

/** IPv4 blocks that no public host has: the special ranges of ipaddr.js, as `publicAddress` knows them. */
const networks4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  // Multicast and what is reserved above it.
  '224.0.0.0/3',
]

/** The same of IPv6; blocks within a /64 take all of it. */
const networks6 = [
  '::/64',
  '64:ff9b::/64',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '2620:4f:8000::/48',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  // Link-local, site-local and multicast.
  'fe80::/9',
  'ff00::/8',
]

export const reserved4: readonly Block[] = networks4.map(blockOf)
export const reserved6: readonly Block[] = networks6.map(blockOf)

function blockOf(network: string): Block {
  const [address, length] = ipaddr.parseCIDR(network)
  const bytes = address.toByteArray().slice(0, 8)
  const bits = bytes.length * 8
  const first = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  return [first, first + (1n << BigInt(bits - length)) - 1n]
}

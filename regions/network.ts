import ipaddr from 'ipaddr.js'
import { parseAddress } from './location.ts'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** A network of addresses, or a single one. */
export type Network = { readonly address: Address; readonly bits: number }

/** `10.0.0.0/8`, `2001:db8::/32` or a single address as a network; else what is wrong with it. */
export function readNetwork(text: string): Network | { readonly problem: string } {
  const [, head = '', length] = /^([^/\s]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  // Ports, brackets and zone ids are for addresses that somebody else wrote.
  const address = /^[0-9A-Fa-f.:]+$/.test(head) ? parseAddress(head) : undefined
  if (address === undefined || address.toString().includes('.') !== head.includes('.')) {
    return { problem: 'must be a network like 203.0.113.0/24 or 2001:db8::/32, or an address' }
  }
  if (head.includes(':') && address.kind() === 'ipv4') {
    return { problem: `is an IPv4 address within IPv6: write ${address.toString()} instead` }
  }
  const longest = address.kind() === 'ipv4' ? 32 : 128
  const bits = length === undefined ? longest : Number(length)
  if (bits > longest) return { problem: `has a prefix longer than ${longest}` }
  const network = { address, bits }
  const first = firstAddress(network)
  if (first === address.toString()) return network
  return { problem: `begins within its own network: write ${first}/${bits}` }
}

/** Whether an address lies in a network; never across the two families. */
export function contains({ address: network, bits }: Network, address: Address): boolean {
  return address.kind() === network.kind() && address.match(network, bits)
}

function firstAddress({ address, bits }: Network): string {
  const bytes = address.toByteArray().map((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8))
    return byte & (0xff << (8 - kept)) & 0xff
  })
  return ipaddr.fromByteArray(bytes).toString()
}

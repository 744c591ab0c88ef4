import ipaddr from 'ipaddr.js'
import { parseAddress } from './location.ts'

/**
 * An address as a location table looks it up: all of IPv4, the first 64 bits of IPv6. `high` and `low`
 * are unsigned 32-bit numbers; `high` is 0 for IPv4. One object for every call: read it at once.
 */
export type AddressKey = { family: 4 | 6; high: number; low: number }

const key: AddressKey = { family: 4, high: 0, low: 0 }

/**
 * Reads what `parseAddress` reads, to the same address, without its cost for the plain forms; mapped
 * IPv6 is IPv4. Undefined for what is no address. Reserved addresses are the table's to know.
 */
export function addressKey(text: string): AddressKey | undefined {
  if (text.length > 100) return undefined
  if (readPlainIpv4(text) || readPlainIpv6(text)) return key
  const address = parseAddress(text)
  if (address === undefined) return undefined
  const bytes = address.toByteArray()
  const word = (at: number) =>
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  if (address instanceof ipaddr.IPv4) return set(4, 0, word(0))
  return set(6, word(0), word(4))
}

function set(family: 4 | 6, high: number, low: number): AddressKey {
  key.family = family
  key.high = high
  key.low = low
  return key
}

const dot = 46
const colon = 58
const zero = 48

/** Four decimal parts without leading zeros, and nothing else. */
function readPlainIpv4(text: string): boolean {
  const length = text.length
  if (length > 15) return false
  let address = 0
  let part = 0
  let digits = 0
  let dots = 0
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code === dot) {
      if (digits === 0) return false
      address = address * 256 + part
      part = 0
      digits = 0
      dots++
    } else {
      const digit = code - zero
      if (digit < 0 || digit > 9 || (digits > 0 && part === 0)) return false
      part = part * 10 + digit
      digits++
      if (part > 255) return false
    }
  }
  if (dots !== 3 || digits === 0) return false
  set(4, 0, address * 256 + part)
  return true
}

const groups = new Uint16Array(8)

/** Hexadecimal groups with at most one `::`; false for whatever begins with 64 zero bits, mapped IPv4 too. */
function readPlainIpv6(text: string): boolean {
  const length = text.length
  let count = 0
  let gap = -1
  let at = 0
  if (length < 3) return false
  while (at < length) {
    if (text.charCodeAt(at) === colon) {
      if (text.charCodeAt(at + 1) !== colon || gap >= 0) return false
      gap = count
      at += 2
      continue
    }
    let group = 0
    let digits = 0
    for (; at < length; at++, digits++) {
      const digit = hexDigit(text.charCodeAt(at))
      if (digit < 0) break
      group = group * 16 + digit
    }
    if (digits === 0 || digits > 4 || count === 8) return false
    groups[count++] = group
    if (at === length) break
    if (text.charCodeAt(at) !== colon || at + 1 === length) return false
    // A `::` is left for the next turn, both of its colons.
    if (text.charCodeAt(at + 1) !== colon) at++
  }
  if (gap < 0 ? count !== 8 : count > 7) return false
  // Of the groups after the gap only those count that still fall into the first four.
  const missing = gap < 0 ? 0 : 8 - count
  const before = gap < 0 ? 8 : gap
  const first = before > 0 ? (groups[0] ?? 0) : groupAfterGap(0, before, missing)
  const second = before > 1 ? (groups[1] ?? 0) : groupAfterGap(1, before, missing)
  const third = before > 2 ? (groups[2] ?? 0) : groupAfterGap(2, before, missing)
  const fourth = before > 3 ? (groups[3] ?? 0) : groupAfterGap(3, before, missing)
  const high = first * 65_536 + second
  const low = third * 65_536 + fourth
  if (high === 0 && low === 0) return false
  set(6, high, low)
  return true
}

/** A group at or behind the `::`, which stands for `missing` groups of zeros. */
function groupAfterGap(index: number, before: number, missing: number): number {
  return index < before + missing ? 0 : (groups[index - missing] ?? 0)
}

function hexDigit(code: number): number {
  if (code >= zero && code <= 57) return code - zero
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressKey } from '../../regions/address-key.ts'
import { parseAddress } from '../../regions/location.ts'

/** Family, upper and lower half, by ipaddr.js alone. */
function keyByParser(text: string): readonly number[] | undefined {
  const address = parseAddress(text)
  if (address === undefined) return undefined
  const view = new DataView(Uint8Array.from(address.toByteArray()).buffer)
  if (address.kind() === 'ipv4') return [4, 0, view.getUint32(0)]
  return [6, view.getUint32(0), view.getUint32(4)]
}

function keyOf(text: string): readonly number[] | undefined {
  const key = addressKey(text)
  return key === undefined ? undefined : [key.family, key.high, key.low]
}

const pieces = [':', '::', '.', '0', '1', '00', 'f', 'ffff', '8', '255', '256', '%', '[', ']', ' ']
const almostAddress = fc
  .array(fc.constantFrom(...pieces, 'ab', 'F', '10', '2001'), { maxLength: 16 })
  .map((parts) => parts.join(''))

describe('addressKey', () => {
  it('reads an IPv4 address whole and the first half of an IPv6 address', () => {
    expect(keyOf('8.8.4.4')).toEqual([4, 0, 0x0808_0404])
    expect(keyOf('255.255.255.255')).toEqual([4, 0, 0xffff_ffff])
    expect(keyOf('2001:db8:1:2:3:4:5:6')).toEqual([6, 0x2001_0db8, 0x0001_0002])
    expect(keyOf('FE80::1')).toEqual([6, 0xfe80_0000, 0])
    expect(keyOf('::ffff:808:808')).toEqual([4, 0, 0x0808_0808])
    expect(keyOf('[2001:db8::1%eth0]:443')).toEqual([6, 0x2001_0db8, 0])
  })

  it('reads every text as the parser does, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(almostAddress, fc.ipV4(), fc.ipV4Extended(), fc.ipV6(), fc.string()),
        (text) => {
          expect(keyOf(text)).toEqual(keyByParser(text))
        },
      ),
      { numRuns: 20_000 },
    )
  })
})

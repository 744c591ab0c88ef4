import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clientAddress } from '../../../app/edge/client-address.ts'

const find = clientAddress(['127.0.0.0/8', '::1', '10.1.0.0/16', '2001:db8::/32'])

describe('clientAddress', () => {
  it.each([
    ['the peer, when nothing was forwarded', '8.8.8.8', undefined, '8.8.8.8'],
    ['the peer, whatever an untrusted one writes', '8.8.8.8', '1.1.1.1', '8.8.8.8'],
    ['what a trusted proxy saw', '127.0.0.1', '8.8.8.8', '8.8.8.8'],
    ['what a mapped trusted proxy saw', '::ffff:127.0.0.1', '8.8.8.8', '8.8.8.8'],
    ['the last untrusted entry', '127.0.0.1', '1.1.1.1, 8.8.8.8, 10.1.2.3', '8.8.8.8'],
    ['not what the caller wrote further left', '127.0.0.1', '6.6.6.6, 8.8.8.8', '8.8.8.8'],
    ['the first entry, when all are trusted', '127.0.0.1', '10.1.0.1, 10.1.0.2', '10.1.0.1'],
    [
      'the last good hop, where an entry is garbage',
      '127.0.0.1',
      '8.8.8.8, x, 10.1.0.2',
      '10.1.0.2',
    ],
    ['the proxy, where it forwards nothing', '127.0.0.1', '', '127.0.0.1'],
    ['an entry with a port', '127.0.0.1', '8.8.8.8:5123', '8.8.8.8'],
    ['an IPv6 entry in brackets', '::1', '[2a00::1]:443', '2a00::1'],
    ['beyond a trusted IPv6 network', '::1', '8.8.8.8, 2001:db8::7', '8.8.8.8'],
    ['a peer that is no address, as it is', 'unknown', '8.8.8.8', 'unknown'],
  ])('finds %s', (_, peer, forwarded, expected) => {
    expect(find(peer, forwarded)).toBe(expected)
  })

  it('never lets an untrusted peer choose', () => {
    fc.assert(
      fc.property(fc.string(), (forwarded) => {
        expect(clientAddress([])('8.8.8.8', forwarded)).toBe('8.8.8.8')
      }),
    )
  })
})

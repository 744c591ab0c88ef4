import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findNonceTime, issueNonce } from '../../../app/request/nonce.ts'
import { anyCharacter } from '../../any-text.ts'

const key = Buffer.alloc(32, 1)
const older = Buffer.alloc(32, 2)
const other = Buffer.alloc(32, 3)
const now = Date.parse('2026-06-01T12:00:00.123Z')
const random = Buffer.from('0123456789abcdef', 'hex')

describe('a nonce', () => {
  it('tells when it was issued, to the millisecond', () => {
    const times = fc.nat({ max: 2 ** 48 - 1 })
    const randoms = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((it) => Buffer.from(it))
    fc.assert(
      fc.property(times, randoms, (time, bytes) => {
        const nonce = issueNonce(key, time, bytes)
        // What Replay-Nonce may hold (RFC 8555 section 6.5.1).
        expect(nonce).toMatch(/^[\w-]{40}$/)
        expect(findNonceTime([key], nonce)).toBe(time)
      }),
    )
  })

  it('is another one for other random bytes of the same moment', () => {
    const second = issueNonce(key, now, Buffer.from('0123456789abcdee', 'hex'))
    expect(second).not.toBe(issueNonce(key, now, random))
    expect(findNonceTime([key], second)).toBe(now)
  })

  it('outlives the change of the key, as long as its own is among those before', () => {
    const nonce = issueNonce(older, now, random)
    expect(findNonceTime([key, older], nonce)).toBe(now)
    expect(findNonceTime([key], nonce)).toBe(undefined)
    expect(findNonceTime([key, other], nonce)).toBe(undefined)
    expect(findNonceTime([], nonce)).toBe(undefined)
  })

  it('is none with any bit changed', () => {
    const bytes = Buffer.from(issueNonce(key, now, random), 'base64url')
    const times = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const changed = Buffer.from(bytes)
      const at = Math.floor(bit / 8)
      changed[at] = (changed[at] ?? 0) ^ (1 << (bit % 8))
      return findNonceTime([key], changed.toString('base64url'))
    })
    expect(times).toEqual(Array(30 * 8).fill(undefined))
  })

  it('is none in another spelling of the same bytes, cut short or made longer', () => {
    const nonce = issueNonce(key, now, Buffer.alloc(8, 0xff))
    const spellings = [
      Buffer.from(nonce, 'base64url').toString('base64'),
      `${nonce}=`,
      `${nonce}\n`,
      ` ${nonce}`,
      `${nonce.slice(0, 20)}.${nonce.slice(20)}`,
      nonce.slice(0, -1),
      `${nonce}AAAA`,
      '',
    ]
    for (const it of spellings) {
      expect(it).not.toBe(nonce)
      expect(findNonceTime([key], it)).toBe(undefined)
    }
  })

  it('is nothing that a stranger writes', () => {
    const bytes = fc.uint8Array({ minLength: 28, maxLength: 32 })
    const texts = fc.oneof(
      fc.string({ unit: anyCharacter, maxLength: 60 }),
      bytes.map((it) => Buffer.from(it).toString('base64url')),
    )
    fc.assert(
      fc.property(texts, (text) => {
        expect(findNonceTime([key, older], text)).toBe(undefined)
      }),
    )
  })
})

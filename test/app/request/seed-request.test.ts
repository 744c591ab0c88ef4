import { constants, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/app-error.ts'
import {
  findSeedSigner,
  parseSeedRequest,
  type TrustedSigner,
} from '../../../app/request/seed-request.ts'
import { signingJwk } from '../../../app/request/signing-jwk.ts'

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
const now = Date.parse('2026-06-01T12:00:00Z')
const signer = (product: string, kid: string, key: KeyObject): TrustedSigner => {
  const jwk = signingJwk.parse(key.export({ format: 'jwk' }))
  return { product, kid, jwk, key, contracts: ['seed'], algorithms: ['RS256'] }
}
const signers = [signer('a', 'other', other.publicKey), signer('b', 'fleet', pair.publicKey)]
const signed = (name: string, key = pair.privateKey) =>
  sign('sha256', Buffer.from(name), key).toString('base64')

function codeOf(body: string): string {
  try {
    parseSeedRequest(body)
    return 'parsed'
  } catch (error) {
    return error instanceof AppError ? error.code : String(error)
  }
}

describe('parseSeedRequest', () => {
  it.each([
    ['', 'invalid-request'],
    ['null', 'invalid-request'],
    ['[]', 'invalid-request'],
    ['"thing-name"', 'invalid-request'],
    ['{', 'invalid-request'],
    ['{}', 'no-thing-name'],
    ['{"thing-name-sig":"x"}', 'no-thing-name'],
    ['{"thing-name":null}', 'invalid-thing-name'],
    ['{"thing-name":7}', 'invalid-thing-name'],
    ['{"thing-name":["a"]}', 'invalid-thing-name'],
    ['{"thing-name":""}', 'invalid-thing-name'],
    ['{"thing-name":"a b"}', 'invalid-thing-name'],
    ['{"thing-name":"a/b"}', 'invalid-thing-name'],
    ['{"thing-name":"ä"}', 'invalid-thing-name'],
    ['{"thing-name":"a\\n"}', 'invalid-thing-name'],
    [`{"thing-name":"${'a'.repeat(129)}"}`, 'invalid-thing-name'],
    ['{"thing-name":"a"}', 'no-sig'],
    ['{"thing-name":"a","thing-name-sig":null}', 'invalid-sig'],
    ['{"thing-name":"a","thing-name-sig":{}}', 'invalid-sig'],
    ['{"__proto__":{"thing-name":"a"}}', 'no-thing-name'],
    ['{"thing-name":"a","thing-name-sig":"x"}', 'parsed'],
    [`{"thing-name":"${'a:_-'.repeat(32)}","thing-name-sig":"x"}`, 'parsed'],
  ])('reads %s as %s', (body, code) => {
    expect(codeOf(body)).toBe(code)
  })

  it('answers any text with a request or an AppError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        expect(codeOf(body)).toMatch(/^(parsed|no-|invalid-)/)
      }),
    )
  })
})

describe('findSeedSigner', () => {
  const request = (signature: string) => ({ thingName: 'dev:1', signature, csr: undefined })

  it('finds the signer whose key made the signature', () => {
    expect(findSeedSigner(request(signed('dev:1')), signers, now)?.kid).toBe('fleet')
    expect(findSeedSigner(request(signed('dev:1', other.privateKey)), signers, now)?.kid).toBe(
      'other',
    )
  })

  it('takes exactly what OpenSSL signs', () => {
    const pem = pair.publicKey.export({ type: 'spki', format: 'pem' })
    const key = createPublicKey(pem)
    const found = findSeedSigner(request(signed('dev:1')), [signer('b', 'pem', key)], now)
    expect(found?.kid).toBe('pem')
  })

  const pss = sign('sha256', Buffer.from('dev:1'), {
    key: pair.privateKey,
    padding: constants.RSA_PKCS1_PSS_PADDING,
  })
  const sha1 = sign('sha1', Buffer.from('dev:1'), pair.privateKey)
  const right = signed('dev:1')
  it.each([
    ['another name', signed('dev:2')],
    ['PSS padding', pss.toString('base64')],
    ['SHA-1', sha1.toString('base64')],
    ['nothing', ''],
    ['no base64', '%%%%'],
    ['base64url', right.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')],
    ['junk between the characters', `${right.slice(0, 4)} ${right.slice(4)}`],
    ['a line break at the end', `${right}\n`],
    ['a changed byte', `${right.startsWith('A') ? 'B' : 'A'}${right.slice(1)}`],
    ['half of it', right.slice(0, 172)],
  ])('finds none for a signature with %s', (_, signature) => {
    expect(findSeedSigner(request(signature), signers, now)).toBe(undefined)
  })

  it.each([
    ['is not trusted for the seed contract', { contracts: ['landfall'] }, false],
    ['is not valid yet', { notBefore: '2026-06-01T12:00:01Z' }, false],
    ['is valid no more', { notAfter: '2026-06-01T13:59:59+02:00' }, false],
    [
      'is valid today',
      { notBefore: '2026-06-01T12:00:00Z', notAfter: '2026-06-02T00:00:00Z' },
      true,
    ],
  ])('takes a signer that %s as such', (_, change, found) => {
    const changed = [{ ...signer('b', 'fleet', pair.publicKey), ...change }]
    expect(findSeedSigner(request(right), changed, now) !== undefined).toBe(found)
  })
})

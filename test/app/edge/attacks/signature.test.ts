// The attacks by way of key and signature, on one target.

import { createHmac, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Jws, makeSigningKey, postLandfall } from '../../../landfall-request.ts'
import { signedRequest } from '../../../stage.ts'
import {
  claimsOf,
  es256,
  expectRefused,
  forgeJws,
  invalidRequest,
  makeVictim,
  notAuthorized,
  provisionVictim,
  setTarget,
  type Target,
  type Victim,
  withoutTrace,
} from './attack.ts'

let target: Target
let ec: Victim
let ed: Victim
/** Its key is for PS256 only. */
let ps: Victim
const rs256 = makeSigningKey('RSA')

beforeAll(async () => {
  target = await setTarget({
    signers: [{ kid: 'rs256', contracts: ['landfall'], jwk: rs256.jwk, algorithms: ['RS256'] }],
  })
  ec = await makeVictim(target, 'ec')
  ed = await makeVictim(target, 'ed', 'Ed25519')
  ps = await makeVictim(target, 'ps', 'RSA', { alg: 'PS256' })
  await target.stage.allow('by-signer')
})
afterAll(() => target?.stage.close())

const hmac = (secret: string | Buffer) => (input: Buffer) =>
  createHmac('sha256', secret).update(input).digest()
const pss = { padding: 6, saltLength: 32 }
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const number = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`)
const bytes = (value: bigint, size = 32) =>
  Buffer.from(value.toString(16).padStart(size * 2, '0'), 'hex')
const right = () => forgeJws({ alg: 'ES256' }, claimsOf(ec), es256(ec))
const withSignature = (jws: Jws, change: (signature: Buffer) => Buffer): Jws => ({
  ...jws,
  signature: change(Buffer.from(jws.signature, 'base64url')).toString('base64url'),
})

describe('a signature of another algorithm', () => {
  it.each<[string, () => Jws, typeof invalidRequest]>([
    [
      'HS256 with the device’s public key in PEM as the secret',
      () => {
        const pem = createPublicKey({ key: ec.jwk, format: 'jwk' }).export({
          type: 'spki',
          format: 'pem',
        })
        return forgeJws({ alg: 'HS256' }, claimsOf(ec), hmac(pem))
      },
      invalidRequest,
    ],
    [
      'HS256 with the device’s public JWK as the secret',
      () => forgeJws({ alg: 'HS256' }, claimsOf(ec), hmac(JSON.stringify(ec.jwk))),
      invalidRequest,
    ],
    [
      'none, without a signature',
      () => forgeJws({ alg: 'none' }, claimsOf(ec), Buffer.alloc(0)),
      invalidRequest,
    ],
    [
      'none, with a signature',
      () => forgeJws({ alg: 'none' }, claimsOf(ec), es256(ec)),
      invalidRequest,
    ],
    ['nOnE', () => forgeJws({ alg: 'nOnE' }, claimsOf(ec), Buffer.from('x')), invalidRequest],
    ['no name at all', () => forgeJws({ typ: 'JWT' }, claimsOf(ec), es256(ec)), invalidRequest],
    [
      'a list of names',
      () => forgeJws({ alg: ['ES256'] }, claimsOf(ec), es256(ec)),
      invalidRequest,
    ],
    [
      'es256 in small letters',
      () => forgeJws({ alg: 'es256' }, claimsOf(ec), es256(ec)),
      invalidRequest,
    ],
    [
      'ES256K, which nobody may use',
      () => forgeJws({ alg: 'ES256K' }, claimsOf(ec), es256(ec)),
      invalidRequest,
    ],
    [
      'ES384 for a P-256 key',
      () => forgeJws({ alg: 'ES384' }, claimsOf(ec), es256(ec)),
      notAuthorized,
    ],
    [
      'EdDSA for a P-256 key',
      () => forgeJws({ alg: 'EdDSA' }, claimsOf(ec), es256(ec)),
      notAuthorized,
    ],
    [
      'RS256 by a key that is for PS256',
      () => forgeJws({ alg: 'RS256' }, claimsOf(ps), (input) => sign('sha256', input, ps.key)),
      notAuthorized,
    ],
    [
      'RS256 in the header over a PS256 signature',
      () =>
        forgeJws({ alg: 'RS256' }, claimsOf(ps), (input) =>
          sign('sha256', input, { key: ps.key, ...pss }),
        ),
      notAuthorized,
    ],
    [
      'PS256 by a signer that may RS256 only',
      () =>
        forgeJws(
          { alg: 'PS256', kid: 'rs256' },
          claimsOf({ sub: 'by-signer', csr: ec.csr }),
          (input) => sign('sha256', input, { key: rs256.key, ...pss }),
        ),
      notAuthorized,
    ],
    [
      'RS256 over a SHA-1 digest',
      () =>
        forgeJws(
          { alg: 'RS256', kid: 'rs256' },
          claimsOf({ sub: 'by-signer', csr: ec.csr }),
          (input) => sign('sha1', input, rs256.key),
        ),
      notAuthorized,
    ],
    [
      'PS256 with no salt and MGF1 of SHA-1',
      () =>
        forgeJws({ alg: 'PS256' }, claimsOf(ps), (input) =>
          sign('sha1', input, { key: ps.key, padding: 6, saltLength: 0 }),
        ),
      notAuthorized,
    ],
    [
      'EdDSA by an Ed448 key',
      () =>
        forgeJws({ alg: 'EdDSA' }, claimsOf(ed), (input) =>
          sign(null, input, generateKeyPairSync('ed448').privateKey),
        ),
      notAuthorized,
    ],
    [
      'the seed contract’s: over the name only',
      () => {
        const { 'thing-name-sig': seed } = signedRequest(target.stage, 'ps')
        return forgeJws(
          { alg: 'RS256', kid: 'fleet' },
          claimsOf(ps),
          Buffer.from(String(seed), 'base64'),
        )
      },
      notAuthorized,
    ],
  ])('%s', async (_, attack, problem) => {
    await expectRefused(target, attack(), problem)
  })
})

describe('a forged signature', () => {
  it.each<[string, () => Jws]>([
    [
      'in DER, as OpenSSL writes it',
      () => forgeJws({ alg: 'ES256' }, claimsOf(ec), (it) => sign('sha256', it, ec.key)),
    ],
    ['with r and s zero', () => withSignature(right(), () => Buffer.alloc(64))],
    [
      'with r zero',
      () => withSignature(right(), (it) => Buffer.concat([Buffer.alloc(32), it.subarray(32)])),
    ],
    [
      'with s zero',
      () => withSignature(right(), (it) => Buffer.concat([it.subarray(0, 32), Buffer.alloc(32)])),
    ],
    [
      'with r and s of the group’s order',
      () => withSignature(right(), () => Buffer.concat([bytes(order), bytes(order)])),
    ],
    [
      'with r and s of one',
      () => withSignature(right(), () => Buffer.concat([bytes(1n), bytes(1n)])),
    ],
    ['of ones only', () => withSignature(right(), () => Buffer.alloc(64, 0xff))],
    ['one byte short', () => withSignature(right(), (it) => it.subarray(0, 63))],
    [
      'one byte too long',
      () => withSignature(right(), (it) => Buffer.concat([it, Buffer.alloc(1)])),
    ],
    ['of one byte', () => withSignature(right(), () => Buffer.alloc(1))],
    ['of six kilobytes', () => withSignature(right(), () => Buffer.alloc(6000, 7))],
    [
      'with one bit changed',
      () =>
        withSignature(right(), (it) =>
          Buffer.concat([it.subarray(0, 63), bytes(BigInt((it[63] ?? 0) ^ 1), 1)]),
        ),
    ],
    [
      'of another payload of the same device',
      () => ({
        ...right(),
        payload: forgeJws({}, { ...claimsOf(ec), csr: ed.csr }, es256(ec)).payload,
      }),
    ],
    [
      'of another header of the same device',
      () => ({
        ...right(),
        protected: forgeJws({ alg: 'ES256', kid: 'x' }, {}, es256(ec)).protected,
      }),
    ],
    [
      'over the bare payload, not the signing input',
      () =>
        forgeJws({ alg: 'ES256' }, claimsOf(ec), (it) =>
          es256(ec)(it.subarray(it.indexOf('.') + 1)),
        ),
    ],
    ['by another device', () => forgeJws({ alg: 'ES256' }, claimsOf(ec), es256(makeSigningKey()))],
    [
      'by another Ed25519 key',
      () =>
        forgeJws({ alg: 'EdDSA' }, claimsOf(ed), (it) =>
          sign(null, it, makeSigningKey('Ed25519').key),
        ),
    ],
    [
      'of Ed25519 whose S is larger than the group’s order',
      () => {
        const jws = forgeJws({ alg: 'Ed25519' }, claimsOf(ed), (it) => sign(null, it, ed.key))
        const l = 2n ** 252n + 27742317777372353535851937790883648493n
        return withSignature(jws, (it) => {
          const s = number(Buffer.from(it.subarray(32)).reverse()) + l
          return Buffer.concat([it.subarray(0, 32), bytes(s).reverse()])
        })
      },
    ],
    [
      'of Ed25519 with R and S zero',
      () => forgeJws({ alg: 'EdDSA' }, claimsOf(ed), Buffer.alloc(64)),
    ],
    [
      'of RSA that is zero',
      () =>
        forgeJws(
          { alg: 'RS256', kid: 'rs256' },
          claimsOf({ sub: 'by-signer', csr: ec.csr }),
          Buffer.alloc(256),
        ),
    ],
    [
      'of RSA that is one',
      () =>
        forgeJws(
          { alg: 'RS256', kid: 'rs256' },
          claimsOf({ sub: 'by-signer', csr: ec.csr }),
          bytes(1n, 256),
        ),
    ],
  ])('%s', async (_, attack) => {
    await expectRefused(target, attack(), notAuthorized)
  })

  it('a receipt of the router’s own, sent back as a request', async () => {
    const own = await makeVictim(target, 'has-receipt')
    const { body } = await provisionVictim(target, own)
    await expectRefused(target, String(body.receipt), invalidRequest)
  })
})

describe('a signature that says the same in other bytes', () => {
  it('is the same request: it gets what the first one got, and nothing is made', async () => {
    const own = await makeVictim(target, 'malleable')
    const { jws, body } = await provisionVictim(target, own)
    // ECDSA's own other signature: n - s in place of s.
    const other = withSignature(jws, (it) =>
      Buffer.concat([it.subarray(0, 32), bytes(order - number(it.subarray(32)))]),
    )
    const key = createPublicKey({ key: own.jwk, format: 'jwk' })
    const input = Buffer.from(`${other.protected}.${other.payload}`)
    const signature = Buffer.from(other.signature, 'base64url')
    expect(verify('sha256', input, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true)
    const again = await withoutTrace(target, () => postLandfall(target.edge, other))
    expect(again.body).toMatchObject({
      certificateId: body.certificateId,
      certificatePem: body.certificatePem,
    })
  })
})

// The attacks by way of the CSR, under both contracts, on one target.

import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cn, extensionRequest, forgeCsr, rsaKey, sequence } from '../../../forge-csr.ts'
import { makeSigningKey, postLandfall } from '../../../landfall-request.ts'
import { signedRequest } from '../../../stage.ts'
import {
  claimsOf,
  es256,
  expectRefused,
  forgeJws,
  invalidCsr,
  invalidRequest,
  makeVictim,
  notAuthorized,
  setTarget,
  type Target,
  type Victim,
  withoutTrace,
} from './attack.ts'

let target: Target
let own: Victim
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const fleet = makeSigningKey()
const locks = makeSigningKey()
const publicKey = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
const keysOf = ({ key, jwk }: ReturnType<typeof makeSigningKey>) => ({
  privateKey: key,
  publicKey: createPublicKey({ key: jwk, format: 'jwk' }),
})

beforeAll(async () => {
  target = await setTarget(
    { signers: [{ kid: 'fleet', contracts: ['landfall'], jwk: fleet.jwk }] },
    [{ name: 'locks', signers: [{ kid: 'locks', contracts: ['landfall'], jwk: locks.jwk }] }],
  )
  own = await makeVictim(target, 'own')
})
afterAll(() => target?.stage.close())

/** Signed by the device itself: all but its payload is right. */
const signed = (claims: Record<string, unknown>) =>
  forgeJws({ alg: 'ES256' }, { ...claimsOf(own), ...claims }, es256(own))
const named = [[cn('own')]]

describe('a CSR', () => {
  it.each<[string, () => Buffer]>([
    ['for another thing', () => forgeCsr(ec, { subject: [[cn('other')]] })],
    ['for this thing and another', () => forgeCsr(ec, { subject: [[cn('own')], [cn('other')]] })],
    ['for two things in one name', () => forgeCsr(ec, { subject: [[cn('own'), cn('other')]] })],
    ['for a look-alike', () => forgeCsr(ec, { subject: [[cn('оwn')]] })],
    ['for this thing and a NUL', () => forgeCsr(ec, { subject: [[cn('own\0.example')]] })],
    ['for this thing in capitals', () => forgeCsr(ec, { subject: [[cn('OWN')]] })],
    ['for any thing', () => forgeCsr(ec, { subject: [[cn('*')]] })],
    ['of RSA with 1024 bits', () => forgeCsr(generateKeyPairSync('rsa', { modulusLength: 1024 }))],
    [
      'of RSA with an exponent as long as its modulus',
      () => forgeCsr({ privateKey: rsa.privateKey, publicKey: rsaKey() }),
    ],
    [
      'of RSA with the exponent 1',
      () => forgeCsr({ privateKey: rsa.privateKey, publicKey: rsaKey(1) }),
    ],
    ['of P-224', () => forgeCsr(publicKey('secp224r1'))],
    ['of P-192', () => forgeCsr(publicKey('prime192v1'))],
    ['of secp256k1', () => forgeCsr(publicKey('secp256k1'))],
    [
      'of P-256 with parameters of its own',
      () => forgeCsr(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' })),
    ],
    [
      'signed with SHA-1',
      () => forgeCsr(ec, { subject: named, hash: 'sha1', algorithm: 'ecdsaSha1' }),
    ],
    [
      'signed with SHA-1 and RSA',
      () => forgeCsr(rsa, { subject: named, hash: 'sha1', algorithm: 'rsaSha1' }),
    ],
    [
      'signed with SHA-1 by RSA-PSS’s defaults',
      () => forgeCsr(rsa, { hash: 'sha1', algorithm: 'rsaPssSha1', padding: 6 }),
    ],
    ['signed with MD5', () => forgeCsr(rsa, { hash: 'md5', algorithm: 'rsaMd5' })],
    [
      'signed by another key than its own',
      () => forgeCsr({ privateKey: ec.privateKey, publicKey: publicKey('P-256').publicKey }),
    ],
    ['of the signer’s key', () => forgeCsr(keysOf(fleet))],
    ['of another product’s signer’s key', () => forgeCsr(keysOf(locks))],
    ['that asks to be an authority', () => forgeCsr(ec, { attributes: [extensionRequest(true)] })],
    [
      'that asks to be an authority in its second wish',
      () => forgeCsr(ec, { attributes: [extensionRequest(false), extensionRequest(true)] }),
    ],
    ['with a byte behind it', () => Buffer.concat([forgeCsr(ec), Buffer.alloc(1)])],
    ['with a CSR behind it', () => Buffer.concat([forgeCsr(ec), forgeCsr(ec)])],
    ['with a fourth element', () => forgeCsr(ec, { more: [sequence()] })],
    ['that is cut', () => forgeCsr(ec).subarray(0, -1)],
    ['with one bit changed', () => flipped(forgeCsr(ec, { subject: named }))],
    ['in PEM', () => Buffer.from(own.csrPem)],
    ['that is a certificate', () => Buffer.from('3003020101', 'hex')],
    ['that is a null', () => Buffer.from('0500', 'hex')],
    ['of a thousand levels', () => nested(1000)],
    ['that says it is 4 GB long', () => Buffer.from('3084ffffffff', 'hex')],
    [
      'longer than AWS IoT takes',
      () =>
        forgeCsr(ec, {
          subject: [
            [cn('own')],
            ...Array.from({ length: 40 }, () => [
              sequence(
                Buffer.from('06035504 0a'.replaceAll(' ', ''), 'hex'),
                Buffer.concat([Buffer.from([0x0c, 0x40]), Buffer.alloc(64, 0x6f)]),
              ),
            ]),
          ],
        }),
    ],
  ])('%s', async (_, csr) => {
    await expectRefused(target, signed({ csr: csr().toString('base64url') }), invalidCsr)
  })

  it.each<[string, unknown]>([
    ['of no letters', ''],
    ['in base64 with padding', Buffer.from(forgeCsr(ec)).toString('base64')],
    ['of more than 5,500 letters', 'A'.repeat(5501)],
    ['that is a number', 1],
    ['that is null', null],
    ['that is a list', ['MII']],
  ])('%s', async (_, csr) => {
    await expectRefused(target, signed({ csr }), invalidRequest)
  })

  it('that was swapped after the request was signed', async () => {
    const jws = signed({})
    const attacker = forgeCsr(publicKey('P-256'), { subject: named }).toString('base64url')
    const claims = JSON.parse(Buffer.from(jws.payload, 'base64url').toString())
    const payload = Buffer.from(JSON.stringify({ ...claims, csr: attacker })).toString('base64url')
    await expectRefused(target, { ...jws, payload }, notAuthorized)
  })

  it('is judged after the signature: whoever isn’t the device learns nothing of it', async () => {
    const csr = forgeCsr(ec, { subject: [[cn('other')]] }).toString('base64url')
    const forged = forgeJws({ alg: 'ES256' }, { ...claimsOf(own), csr }, es256(makeSigningKey()))
    await expectRefused(target, forged, notAuthorized)
  })

  it('beside a jwk, or neither', async () => {
    const { x, y } = publicKey('P-256').publicKey.export({ format: 'jwk' })
    await expectRefused(target, signed({ jwk: { kty: 'EC', crv: 'P-256', x, y } }), invalidRequest)
    await expectRefused(target, signed({ csr: undefined }), invalidRequest)
  })
})

describe('a key to send a key to', () => {
  const p256 = () => publicKey('P-256').publicKey.export({ format: 'jwk' })
  const x25519 = (hex: string) => ({
    kty: 'OKP',
    crv: 'X25519',
    x: Buffer.from(hex, 'hex').toString('base64url'),
  })
  const offCurve = () => {
    const { x, y = '' } = p256()
    return {
      kty: 'EC',
      crv: 'P-256',
      x,
      y: flipped(Buffer.from(y, 'base64url')).toString('base64url'),
    }
  }

  it.each<[string, () => unknown]>([
    [
      'with its private part',
      () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
    ],
    [
      'of X25519 with its private part',
      () => generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' }),
    ],
    ['off the curve', offCurve],
    ['at the origin', () => ({ ...p256(), x: 'A'.repeat(43), y: 'A'.repeat(43) })],
    [
      'with coordinates beyond the field',
      () => ({ ...p256(), x: '_'.repeat(43), y: '_'.repeat(43) }),
    ],
    ['without y', () => ({ kty: 'EC', crv: 'P-256', x: p256().x })],
    ['with a short x', () => ({ ...p256(), x: 'AAAA' })],
    ['with a long x', () => ({ ...p256(), x: 'A'.repeat(44) })],
    ['of P-384', () => publicKey('P-384').publicKey.export({ format: 'jwk' })],
    ['of secp256k1', () => publicKey('secp256k1').publicKey.export({ format: 'jwk' })],
    ['of P-521', () => publicKey('P-521').publicKey.export({ format: 'jwk' })],
    ['of X448', () => generateKeyPairSync('x448').publicKey.export({ format: 'jwk' })],
    ['of Ed25519', () => generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })],
    ['of RSA', () => rsa.publicKey.export({ format: 'jwk' })],
    ['that is symmetric', () => ({ kty: 'oct', k: 'A'.repeat(43) })],
    ['that says it is for signatures', () => ({ ...p256(), use: 'sig' })],
    ['that says EC of X25519', () => ({ ...p256(), crv: 'X25519' })],
    ['with an algorithm that is a list', () => ({ ...p256(), alg: ['none'] })],
    ['that is text', () => JSON.stringify(p256())],
    ['that is null', () => null],
    ['in a list', () => [p256()]],
    [
      'with x in its prototype',
      () =>
        JSON.parse(
          JSON.stringify({ ...p256(), x: undefined }).replace('{', '{"__proto__":{"x":"AAAA"},'),
        ),
    ],
    // The points of small order (RFC 7748 section 6.1): the shared secret would be zero for everybody.
    ['of X25519, zero', () => x25519('00'.repeat(32))],
    ['of X25519, one', () => x25519(`01${'00'.repeat(31)}`)],
    [
      'of X25519, of order eight',
      () => x25519('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'),
    ],
    [
      'of X25519, the other of order eight',
      () => x25519('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'),
    ],
    ['of X25519, p - 1', () => x25519(`ec${'ff'.repeat(30)}7f`)],
    ['of X25519, p', () => x25519(`ed${'ff'.repeat(30)}7f`)],
    ['of X25519, p + 1', () => x25519(`ee${'ff'.repeat(30)}7f`)],
    ['of X25519, zero with its high bit set', () => x25519(`${'00'.repeat(31)}80`)],
  ])('%s', async (_, jwk) => {
    await expectRefused(target, signed({ csr: undefined, jwk: jwk() }), invalidRequest)
  })
})

describe('a CSR under the seed contract', () => {
  beforeAll(async () => {
    const { stage } = target
    const { kty, n, e } = stage.signingKey.export({ format: 'jwk' })
    await stage.changeProduct({
      signers: [{ kid: 'seed', contracts: ['seed'], jwk: { kty, n, e } }],
      reprovisioning: { redeliverSeconds: 0 },
    })
    await stage.allow('seed-device')
    await target.edge.stop()
    target = { stage, edge: await stage.startEdge() }
  })

  it.each<[string, () => Buffer]>([
    ['for another thing', () => forgeCsr(ec, { subject: [[cn('other')]] })],
    [
      'that asks to be an authority in its second wish',
      () => forgeCsr(ec, { attributes: [extensionRequest(false), extensionRequest(true)] }),
    ],
    ['with a fourth element', () => forgeCsr(ec, { more: [sequence()] })],
    [
      'of RSA with an exponent as long as its modulus',
      () => forgeCsr({ privateKey: rsa.privateKey, publicKey: rsaKey() }),
    ],
    [
      'with an attribute that is none',
      () =>
        forgeCsr(ec, {
          attributes: [
            sequence(Buffer.from('06092a864886f70d010907', 'hex'), Buffer.from('31023000', 'hex')),
          ],
        }),
    ],
  ])('%s', async (_, csr) => {
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${csr().toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
    const answer = await withoutTrace(target, () =>
      target.edge.post(signedRequest(target.stage, 'seed-device', pem)),
    )
    expect(answer.status).toBe(400)
    expect(answer.body.message).toContain('invalid CSR: ')
  })
})

describe('a CSR and a key that are right', () => {
  it('make exactly one certificate', async () => {
    const victim = await makeVictim(target, 'right')
    const answer = await postLandfall(
      target.edge,
      forgeJws({ alg: 'ES256' }, claimsOf(victim), es256(victim)),
    )
    expect(answer.status).toBe(200)
    const { things, unattached } = await target.stage.identities()
    expect(Object.keys(things)).toEqual(['right'])
    expect(things.right?.map((it) => it.certificateId)).toEqual([answer.body.certificateId])
    expect(unattached).toEqual([])
  })
})

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  const last = copy.length - 1
  copy[last] = (copy[last] ?? 0) ^ 1
  return copy
}

function nested(levels: number): Buffer {
  let der: Buffer = Buffer.alloc(0)
  for (let level = 0; level < levels; level += 1) der = sequence(der)
  return der
}

import 'reflect-metadata'
import { constants, createHash, generateKeyPairSync, webcrypto } from 'node:crypto'
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/app-error.ts'
import { parseCsr, parseCsrDer } from '../../../app/request/csr.ts'
import {
  cn,
  derValue,
  extensionRequest,
  forgeCsr,
  oid,
  rsaKey,
  sequence,
  setOf,
} from '../../forge-csr.ts'

type Algorithm = Parameters<typeof webcrypto.subtle.generateKey>[0]
const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const rsa = (modulusLength: number, hash = 'SHA-256') => ({
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash,
})

async function makeKeys(algorithm: Algorithm): Promise<webcrypto.CryptoKeyPair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  if (!('privateKey' in keys)) throw new Error('no key pair')
  return keys
}

async function makeCsr(algorithm: Algorithm, name = 'CN=dev1'): Promise<string> {
  const keys = await makeKeys(algorithm)
  const csr = await Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: algorithm,
  })
  return csr.toString('pem')
}

async function whyNot(csr: unknown): Promise<string> {
  const parsed = Buffer.isBuffer(csr) ? parseCsrDer(csr, 'dev1') : parseCsr(csr, 'dev1')
  const error = await parsed.catch((caught: unknown) => caught)
  if (!(error instanceof AppError)) throw new Error('it was taken')
  expect(error.code).toBe('invalid-csr')
  return error.message
}

describe('parseCsr', () => {
  it.each([
    ['P-256', p256],
    ['P-384', { ...p256, namedCurve: 'P-384', hash: 'SHA-384' }],
    ['P-521', { ...p256, namedCurve: 'P-521', hash: 'SHA-512' }],
    ['RSA 2048', rsa(2048)],
    ['RSA 3072', rsa(3072)],
  ])('takes a key of %s', async (_, algorithm) => {
    const pem = await makeCsr(algorithm)
    const csr = await parseCsr(pem, 'dev1')
    expect(csr.thumbprint).toMatch(/^[\w-]{43}$/)
    expect(csr.pem.trim()).toBe(pem.trim())
  })

  it("gives the key's RFC 7638 thumbprint, the same for every CSR of it", async () => {
    const keys = await makeKeys(p256)
    const make = (name: string) =>
      Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm: p256 })
    const named = await parseCsr((await make('CN=dev1')).toString('pem'), 'dev1')
    const bare = await parseCsr((await make('O=none')).toString('pem'), 'dev1')
    expect(bare.thumbprint).toBe(named.thumbprint)
    const { crv, kty, x, y } = await webcrypto.subtle.exportKey('jwk', keys.publicKey)
    const canonical = JSON.stringify({ crv, kty, x, y })
    expect(named.thumbprint).toBe(createHash('sha256').update(canonical).digest('base64url'))
  })

  it("takes OpenSSL's older label", async () => {
    const pem = (await makeCsr(p256)).replaceAll('CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST')
    expect((await parseCsr(pem, 'dev1')).pem).toContain('-----BEGIN CERTIFICATE REQUEST-----')
  })

  it.each([[7], [null], [{}], [['x']]])('refuses %j', async (csr) => {
    expect(await whyNot(csr)).toBe('invalid CSR: not a string')
  })

  it.each([
    ['', 'not PEM'],
    ['garbage', 'not PEM'],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'not PEM'],
    ['-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----', 'not parse'],
    ['-----BEGIN CERTIFICATE REQUEST-----', 'not parse'],
    ['A'.repeat(4097), 'longer than 4096'],
  ])('refuses %j', async (csr, why) => {
    expect(await whyNot(csr)).toContain(why)
  })

  it.each([
    ['RSA 1024', rsa(1024)],
    ['P-256k1 or any other curve', { name: 'Ed25519' }],
  ])('refuses a key of %s', async (_, algorithm) => {
    expect(await whyNot(await makeCsr(algorithm))).toContain('RSA from 2048 bits, or EC P-256')
  })

  it('refuses a signature by SHA-1', async () => {
    expect(await whyNot(await makeCsr(rsa(2048, 'SHA-1')))).toContain('broken hash')
  })

  it('refuses what hangs on behind the request', async () => {
    const pem = await makeCsr(p256)
    const der = Buffer.from(pem.split('\n').slice(1, -1).join(''), 'base64')
    const longer = Buffer.concat([der, Buffer.from([0])]).toString('base64')
    const csr = `-----BEGIN CERTIFICATE REQUEST-----\n${longer}\n-----END CERTIFICATE REQUEST-----\n`
    expect(await whyNot(csr)).toContain('not one DER value')
  })

  it('refuses another CN, and a second one', async () => {
    expect(await whyNot(await makeCsr(p256, 'CN=dev2'))).toContain('CN is not the thing name')
    expect(await whyNot(await makeCsr(p256, 'CN=dev1, CN=dev2'))).toContain('CN is not')
  })

  it('refuses a CSR that was changed after it was signed', async () => {
    const pem = await makeCsr(p256)
    const der = Buffer.from(pem.split('\n').slice(1, -1).join(''), 'base64')
    const at = der.indexOf('dev1')
    der.write('dev1'.replace('1', '9'), at)
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
    expect(await whyNot(forged)).toContain('does not verify')
  })
})

describe('parseCsrDer', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const rsaPair = generateKeyPairSync('rsa', { modulusLength: 2048 })

  it('takes what a device needs, with its name in whichever kind of string', async () => {
    const utf16 = Buffer.from('dev1', 'utf16le').swap16()
    for (const subject of [[], [[cn('dev1')]], [[cn('dev1', 0x13)]], [[cn(utf16, 0x1e)]]]) {
      const csr = forgeCsr(ec, { subject, attributes: [extensionRequest(false)] })
      expect((await parseCsrDer(csr, 'dev1')).key.equals(ec.publicKey)).toBe(true)
    }
  })

  it('refuses text, however it spells a CSR', async () => {
    const csr = forgeCsr(ec)
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${csr.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
    for (const text of [pem, csr.toString('hex'), csr.toString('base64'), '']) {
      expect(await whyNot(Buffer.from(text))).toContain('does not parse')
    }
  })

  it('refuses a fourth element, and lengths that aren’t DER', async () => {
    expect(await whyNot(forgeCsr(ec, { more: [sequence()] }))).toContain('not one DER value')
    const csr = forgeCsr(ec, { subject: [[cn('dev1')]] })
    const indefinite = [
      Buffer.from([0x30, 0x80]),
      csr.subarray(csr.length > 258 ? 4 : 3),
      Buffer.alloc(2),
    ]
    expect(await whyNot(Buffer.concat(indefinite))).toMatch(/not (parse|one DER value)/)
  })

  it('refuses a wish to be an authority, in a second extension request too', async () => {
    const attributes = [extensionRequest(false), extensionRequest(true)]
    expect(await whyNot(forgeCsr(ec, { attributes }))).toContain('asks to be an authority')
  })

  it('refuses a second CN beside the first, and one that ends in something else', async () => {
    for (const subject of [
      [[cn('dev1'), cn('dev2')]],
      [[cn('dev1')], [cn('dev2')]],
      [[cn('dev1\0')]],
    ]) {
      expect(await whyNot(forgeCsr(ec, { subject }))).toContain('CN is not the thing name')
    }
  })

  it('refuses RSA-PSS with SHA-1, which are its default parameters', async () => {
    const padding = constants.RSA_PKCS1_PSS_PADDING
    const csr = forgeCsr(rsaPair, { hash: 'sha1', algorithm: 'rsaPssSha1', padding })
    expect(await whyNot(csr)).toContain('broken hash')
  })

  it('refuses an RSA key that takes a hundred times as long, before it verifies with it', async () => {
    const csr = forgeCsr({ privateKey: rsaPair.privateKey, publicKey: rsaKey() })
    expect(await whyNot(csr)).toContain('its RSA exponent is not odd, from 3, within 32 bits')
  })

  it('refuses an RSA key whose signatures anybody can make', async () => {
    const csr = forgeCsr({ privateKey: rsaPair.privateKey, publicKey: rsaKey(1) })
    expect(await whyNot(csr)).toContain('its RSA exponent is not odd, from 3, within 32 bits')
  })

  it('refuses curves that AWS IoT does not take, and another key’s signature', async () => {
    for (const namedCurve of ['secp224r1', 'secp256k1']) {
      expect(await whyNot(forgeCsr(generateKeyPairSync('ec', { namedCurve })))).toContain(
        'EC P-256',
      )
    }
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const csr = forgeCsr({ privateKey: ec.privateKey, publicKey: other.publicKey })
    expect(await whyNot(csr)).toContain('does not verify')
  })

  // Found by looking for what the library throws: each was a fault of the router once.
  it.each([
    ['an extension request that is none', forgeCsr(ec, { attributes: [request(derValue(0x04))] })],
    [
      'an extension whose value is none',
      forgeCsr(ec, {
        attributes: [request(sequence(sequence(oid('551d13'), derValue(0x04, Buffer.from('zz')))))],
      }),
    ],
    [
      'a challenge password that is no string',
      forgeCsr(ec, { attributes: [sequence(oid('2a864886f70d010907'), setOf(sequence()))] }),
    ],
    ['parameters that its algorithm does not have', forgeCsr(ec, { algorithm: 'rsaPssBroken' })],
    ['a key’s algorithm for its signature’s', forgeCsr(ec, { algorithm: 'ecPublicKey' })],
  ])('refuses %s as what does not parse', async (_, csr) => {
    expect(await whyNot(csr)).toContain('does not parse')
  })
})

function request(value: Buffer): Buffer {
  return sequence(oid('2a864886f70d01090e'), setOf(value))
}

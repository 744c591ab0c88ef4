import { generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { calculateJwkThumbprint, compactDecrypt } from 'jose'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/app-error.ts'
import { deliveryJwk, encryptKey, proveDeliveryKey } from '../../../app/request/delivery-key.ts'

const pairs = {
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  X25519: generateKeyPairSync('x25519'),
}
const curves = ['P-256', 'X25519'] as const
const jwkOf = (curve: (typeof curves)[number]) => pairs[curve].publicKey.export({ format: 'jwk' })

/** Stands for the key that AWS IoT makes. */
const pem = '-----BEGIN RSA PRIVATE KEY-----\nä secret\n-----END RSA PRIVATE KEY-----\n'

const issuesOf = (jwk: unknown) =>
  deliveryJwk.safeParse(jwk).error?.issues.map((it) => `${it.path.join('.')}: ${it.message}`) ?? []

describe('a key encrypted to a device', () => {
  it.each(curves)('is read with its %s key, and names it', async (curve) => {
    const jwk = jwkOf(curve)
    const jwe = await encryptKey(pem, deliveryJwk.parse(jwk))
    const { plaintext, protectedHeader } = await compactDecrypt(jwe, pairs[curve].privateKey)
    expect(new TextDecoder().decode(plaintext)).toBe(pem)
    const { epk, ...header } = protectedHeader
    expect(header).toEqual({
      alg: 'ECDH-ES+A256KW',
      enc: 'A256GCM',
      kid: await calculateJwkThumbprint(jwk),
    })
    expect(Object.keys(epk ?? {})).not.toContain('d')
  })

  it.each(curves)('is read with no other %s key, and never is the same twice', async (curve) => {
    const jwk = deliveryJwk.parse(jwkOf(curve))
    const [one, two] = await Promise.all([encryptKey(pem, jwk), encryptKey(pem, jwk)])
    expect(one).not.toBe(two)
    const stranger =
      curve === 'X25519'
        ? generateKeyPairSync('x25519')
        : generateKeyPairSync('ec', { namedCurve: 'P-256' })
    await expect(compactDecrypt(one, stranger.privateKey)).rejects.toThrow('decryption')
  })

  it.each(curves)('is the same whatever a %s key’s own notes say', async (curve) => {
    const noted = {
      ...jwkOf(curve),
      kid: 'mine',
      use: 'enc',
      alg: 'ECDH-ES',
      key_ops: ['deriveBits'],
    }
    const jwe = await encryptKey(pem, deliveryJwk.parse(noted))
    const { plaintext, protectedHeader } = await compactDecrypt(jwe, pairs[curve].privateKey)
    expect(new TextDecoder().decode(plaintext)).toBe(pem)
    expect(protectedHeader.kid).toBe(await calculateJwkThumbprint(jwkOf(curve)))
  })
})

describe('what is no key to encrypt to', () => {
  const p256 = jwkOf('P-256')
  const x25519 = jwkOf('X25519')
  const zero = 'A'.repeat(43)

  it.each<[string, JsonWebKey]>([
    ['a point that isn’t on the curve', { ...p256, y: zero }],
    ['a point whose coordinate isn’t below the prime', { ...p256, x: `${'_'.repeat(42)}8` }],
    ['an X25519 point that makes every secret 0', { ...x25519, x: zero }],
  ])('is found before anything is made: %s', async (_, jwk) => {
    const key = deliveryJwk.parse(jwk)
    for (const attempt of [() => proveDeliveryKey(key), () => encryptKey(pem, key)]) {
      const error = await attempt().catch((it: unknown) => it)
      if (!(error instanceof AppError)) throw new Error('it was taken')
      expect([error.code, error.message]).toEqual([
        'invalid-request',
        'the payload: jwk makes no key',
      ])
      expect(textOf(error).includes('secret')).toBe(false)
    }
  })

  it('isn’t what can be encrypted to', async () => {
    const provable = curves.map((curve) => proveDeliveryKey(deliveryJwk.parse(jwkOf(curve))))
    expect(await Promise.all(provable)).toEqual([undefined, undefined])
  })

  it.each(curves)('is a %s key with its private half, which is not quoted', (curve) => {
    const whole: JsonWebKey = pairs[curve].privateKey.export({ format: 'jwk' })
    const issues = issuesOf(whole).join()
    expect(issues.includes(String(whole.d))).toBe(false)
    expect(issues).toContain('"d"')
  })

  it.each([
    ['another curve', { ...p256, crv: 'P-384' }],
    ['a key that signs', generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })],
    ['no curve', { kty: 'RSA', n: 'AAAA', e: 'AQAB' }],
    ['a secret', { kty: 'oct', k: 'AAAA' }],
    ['text', 'key'],
    ['none', null],
  ])('is %s', (_, jwk) => {
    expect(issuesOf(jwk).join()).toMatch('jwk must be a public key, EC P-256 or OKP X25519')
  })

  it.each([
    ['kty', { ...p256, kty: 'OKP' }],
    ['kty', { ...x25519, kty: 'EC' }],
    ['x', { ...p256, x: zero.slice(1) }],
    ['x', { ...x25519, x: `${zero}A` }],
    ['y', { ...p256, y: undefined }],
    ['x', { ...p256, x: `${'A'.repeat(42)}=` }],
    ['use', { ...p256, use: 'sig' }],
  ])('has a wrong %s (%#)', (name, jwk) => {
    expect(issuesOf(jwk).map((it) => it.split(':')[0])).toEqual([name])
  })
})

/** All that a log could say of an error. */
function textOf(error: unknown): string {
  return error instanceof Error ? `${error.stack} ${textOf(error.cause)}` : String(error)
}

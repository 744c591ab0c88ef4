import { createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { algorithmsOf, bareKey, signingJwk } from '../../../app/request/signing-jwk.ts'
import { makeSigningKey } from '../../landfall-request.ts'

const kinds = ['P-256', 'P-384', 'Ed25519', 'RSA'] as const
const keys = Object.fromEntries(kinds.map((kind) => [kind, makeSigningKey(kind)]))
const jwkOf = (kind: string) => {
  const { jwk } = keys[kind] ?? {}
  if (jwk === undefined) throw new Error(`no ${kind}`)
  return jwk
}
const generated = (pair: { publicKey: { export(as: { format: 'jwk' }): JsonWebKey } }) =>
  pair.publicKey.export({ format: 'jwk' })

/** What is wrong, by member; nothing where it is taken. */
const issuesOf = (jwk: unknown) =>
  signingJwk.safeParse(jwk).error?.issues.map((it) => `${it.path.join('.')}: ${it.message}`) ?? []

describe('a key that may sign', () => {
  it.each([
    ['P-256', ['ES256']],
    ['P-384', ['ES384']],
    ['Ed25519', ['EdDSA', 'Ed25519']],
    ['RSA', ['PS256', 'RS256']],
  ])('of %s signs with %j', (kind, algorithms) => {
    const jwk = jwkOf(kind)
    expect(algorithmsOf(jwk)).toEqual(algorithms)
    const named = algorithms.map((alg) => signingJwk.parse({ ...jwk, alg }))
    const narrowed = kind === 'RSA' ? [['PS256'], ['RS256']] : algorithms.map(() => algorithms)
    expect(named.map(algorithmsOf)).toEqual(narrowed)
  })

  it.each(kinds)('of %s may have notes, without which it is the same key', (kind) => {
    const jwk = jwkOf(kind)
    const noted = {
      ...jwk,
      kid: 'line-1',
      use: 'sig',
      key_ops: ['verify'],
      alg: algorithmsOf(jwk)[0],
    }
    const parsed = signingJwk.parse(noted)
    expect(parsed).toEqual(noted)
    expect(bareKey(parsed)).toEqual(jwk)
  })
})

describe('a key is refused', () => {
  it.each(kinds)('of %s with any private member, which is not quoted', (kind) => {
    const { key } = keys[kind] ?? {}
    if (key === undefined) throw new Error(`no ${kind}`)
    const whole: JsonWebKey = key.export({ format: 'jwk' })
    const jwk = jwkOf(kind)
    const secrets = Object.entries(whole).filter(([name]) => !(name in jwk))
    expect(secrets).not.toHaveLength(0)
    for (const [name, value] of secrets) {
      const issues = issuesOf({ ...jwk, [name]: value }).join()
      // First, and not by toContain, which would print the key.
      expect(issues.includes(String(value))).toBe(false)
      expect(issues).toContain(`"${name}"`)
    }
  })

  it.each([
    ['none', null],
    ['text', 'MFkwEwYHKoZIzj0CAQ'],
    ['a list', []],
    ['of no type', {}],
    ['a secret', { kty: 'oct', k: 'AAAA' }],
  ])('that is %s', (_, jwk) => {
    expect(issuesOf(jwk).join()).toMatch(
      /must be a public JWK of kty EC \(P-256, P-384\), OKP \(Ed25519\) or RSA/,
    )
  })

  const p256 = jwkOf('P-256')
  const coordinates = generated(generateKeyPairSync('ec', { namedCurve: 'P-384' }))
  it.each([
    ['a point off its curve', { ...p256, x: 'A'.repeat(43) }],
    ['a point of another curve', { ...coordinates, crv: 'P-256' }],
    ['an Ed25519 key cut short', { ...jwkOf('Ed25519'), x: 'AAAA' }],
  ])('that is %s', (_, jwk) => {
    expect(issuesOf(jwk)).toEqual([': must be a key: its members make none'])
  })

  it.each([
    ['of 1024 bits', generated(generateKeyPairSync('rsa', { modulusLength: 1024 }))],
    ['of none', { kty: 'RSA', n: '', e: 'AQAB' }],
  ])('that is RSA %s', (_, jwk) => {
    expect(issuesOf(jwk)).toEqual([': must be an RSA key of at least 2048 bits'])
  })

  it.each(['AQ', 'Ag', 'AAAC', 'AA', '', 'AQAAAAE'])('that is RSA with the exponent %j', (e) => {
    const issues = issuesOf({ ...jwkOf('RSA'), e })
    expect(issues).toEqual([': must be an RSA key whose exponent is odd, from 3, within 32 bits'])
    expect(issuesOf({ ...jwkOf('RSA'), e: 'Aw' })).toEqual([])
  })

  it.each([
    ['P-521', generated(generateKeyPairSync('ec', { namedCurve: 'P-521' }))],
    ['secp256k1', generated(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }))],
    ['X25519', generated(generateKeyPairSync('x25519'))],
    ['Ed448', generated(generateKeyPairSync('ed448'))],
  ])('of the curve %s', (_, jwk) => {
    expect(() => createPublicKey({ key: jwk, format: 'jwk' })).not.toThrow()
    expect(issuesOf(jwk).map((it) => it.split(':')[0])).toContain('crv')
  })

  it.each([
    ['P-256', 'ES384', 'EC'],
    ['P-384', 'ES256', 'EC'],
    ['Ed25519', 'RS256', 'OKP'],
    ['RSA', 'EdDSA', 'RSA'],
  ])('of %s whose alg is %s', (kind, alg, kty) => {
    expect(issuesOf({ ...jwkOf(kind), alg })).toEqual([`alg: is no algorithm of a ${kty} key`])
  })

  it.each([
    ['use', 'enc'],
    ['key_ops', ['sign']],
    ['alg', 'HS256'],
    ['kid', ''],
  ])('that is for something else: %s %j', (name, value) => {
    const issues = issuesOf({ ...p256, [name]: value })
    expect(issues.length).toBe(1)
    expect(issues[0]?.startsWith(name)).toBe(true)
  })
})

import { createPublicKey, type KeyObject } from 'node:crypto'
import * as z from 'zod'
import { hasSoundExponent } from './key-strength.ts'

/** The JWS algorithms that a request may be signed with (RFC 7518 section 3.1, RFC 8037, RFC 9864). */
export const signatureAlgorithms = ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256'] as const
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number]

const use = {
  kid: z.string().min(1).max(256).optional(),
  use: z.literal('sig').optional(),
  key_ops: z.array(z.literal('verify')).optional(),
  alg: z.enum(signatureAlgorithms).optional(),
}
const coordinate = z.base64url().max(128)

const ec = z.strictObject({
  kty: z.literal('EC'),
  crv: z.enum(['P-256', 'P-384']),
  x: coordinate,
  y: coordinate,
  ...use,
})
const okp = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: coordinate,
  ...use,
})
const rsa = z.strictObject({
  kty: z.literal('RSA'),
  n: z.base64url().max(2048),
  e: z.base64url().max(16),
  ...use,
})

/**
 * A public key that may sign requests: EC P-256 or P-384, Ed25519, or RSA from 2048 bits, as a JWK
 * (RFC 7517, RFC 7518 section 6, RFC 8037). A member that isn't known is refused, a private one first.
 */
export const signingJwk = z
  .discriminatedUnion('kty', [ec, okp, rsa], {
    error: 'must be a public JWK of kty EC (P-256, P-384), OKP (Ed25519) or RSA',
  })
  .superRefine((jwk, check) => {
    const key = findKey(jwk)
    const { modulusLength = 2048 } = key?.asymmetricKeyDetails ?? {}
    if (key === undefined) check.addIssue('must be a key: its members make none')
    else if (modulusLength < 2048) check.addIssue('must be an RSA key of at least 2048 bits')
    else if (!hasSoundExponent(key)) {
      check.addIssue('must be an RSA key whose exponent is odd, from 3, within 32 bits')
    }
    if (jwk.alg !== undefined && !keyAlgorithms(jwk).includes(jwk.alg)) {
      check.addIssue({
        code: 'custom',
        path: ['alg'],
        message: `is no algorithm of a ${jwk.kty} key`,
      })
    }
  })

export type SigningJwk = z.infer<typeof signingJwk>

/** What a key may sign with: an RSA key what its `alg` says, where it has one; else what its type can. */
export function algorithmsOf(jwk: SigningJwk): readonly SignatureAlgorithm[] {
  return jwk.kty === 'RSA' && jwk.alg !== undefined ? [jwk.alg] : keyAlgorithms(jwk)
}

/** What makes the key, without notes like `kid` and `use`: what a library may hold against it. */
export function bareKey(jwk: SigningJwk) {
  const { kid: _kid, use: _use, key_ops: _ops, alg: _alg, ...key } = jwk
  return key
}

/** Ed25519 has two names: the older one of RFC 8037, the fully specified one of RFC 9864. */
function keyAlgorithms(jwk: { kty: string; crv?: string }): readonly SignatureAlgorithm[] {
  switch (jwk.crv ?? jwk.kty) {
    case 'P-256':
      return ['ES256']
    case 'P-384':
      return ['ES384']
    case 'Ed25519':
      return ['EdDSA', 'Ed25519']
    default:
      return ['PS256', 'RS256']
  }
}

function findKey(jwk: z.infer<typeof ec | typeof okp | typeof rsa>): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return undefined
  }
}

import { CompactEncrypt, calculateJwkThumbprint } from 'jose'
import * as z from 'zod'
import { AppError } from '../app-error.ts'

const coordinate = z.base64url().length(43)
const about = {
  kid: z.string().max(256).optional(),
  use: z.literal('enc').optional(),
  alg: z.string().max(64).optional(),
  key_ops: z.array(z.string()).max(8).optional(),
}

/** A public key that a private one can be encrypted to: EC P-256 (RFC 7518) or X25519 (RFC 8037). */
export const deliveryJwk = z.discriminatedUnion(
  'crv',
  [
    z.strictObject({
      kty: z.literal('EC'),
      crv: z.literal('P-256'),
      x: coordinate,
      y: coordinate,
      ...about,
    }),
    z.strictObject({
      kty: z.literal('OKP'),
      crv: z.literal('X25519'),
      x: coordinate,
      ...about,
    }),
  ],
  { error: 'jwk must be a public key, EC P-256 or OKP X25519' },
)

export type DeliveryJwk = z.infer<typeof deliveryJwk>

/**
 * Encrypts a private key to its device: a compact JWE (RFC 7516), ECDH-ES+A256KW and A256GCM, whose
 * `kid` is the RFC 7638 thumbprint of the device's key. Throws AppError `invalid-request` where that
 * key is none, such as a point that isn't on the curve.
 */
export async function encryptKey(privateKeyPem: string, { ...jwk }: DeliveryJwk): Promise<string> {
  try {
    // Only what makes the key: `use` and `key_ops` are the device's own notes.
    const { kid: _kid, use: _use, alg: _alg, key_ops: _ops, ...key } = jwk
    return await new CompactEncrypt(new TextEncoder().encode(privateKeyPem))
      .setProtectedHeader({
        alg: 'ECDH-ES+A256KW',
        enc: 'A256GCM',
        kid: await calculateJwkThumbprint(key),
      })
      .encrypt(key)
  } catch (cause) {
    throw new AppError('invalid-request', 'the payload: jwk makes no key', { cause })
  }
}

/** Proves, before anything is made for it, that a key can be encrypted to. */
export async function proveDeliveryKey(jwk: DeliveryJwk): Promise<void> {
  await encryptKey('', jwk)
}

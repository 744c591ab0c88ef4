import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import { bareKey, signingJwk } from '../../request/signing-jwk.ts'
import { writeWhole } from '../whole-file.ts'
import type { FileKey } from './key-file.ts'
import type { SigningKeyType } from './signing-key-types.ts'

/** Signers may live for ten years, which 2048 bits are not recommended for (NIST SP 800-57). */
const RSA_BITS = 3072

/** A new key, whose `kid` is its RFC 7638 thumbprint. */
export async function makeKey(type: SigningKeyType): Promise<PrivateJwk> {
  const { privateKey } = await generateKeyPair(type, { extractable: true, modulusLength: RSA_BITS })
  const { kty = '', ...members } = await exportJWK(privateKey)
  const jwk = { kty, ...members }
  return { kty, kid: await calculateJwkThumbprint(jwk), alg: type, ...members }
}

export type PrivateJwk = { readonly kty: string; readonly kid: string } & Record<string, unknown>

/** A key of a file again as a private JWK; undefined where the file has only its public half. */
export function toPrivateJwk({ kid, jwk, privateKey }: FileKey): PrivateJwk | undefined {
  if (privateKey === undefined) return undefined
  const { kty = '', ...members } = privateKey.export({ format: 'jwk' })
  return { kty, kid, ...(jwk.alg === undefined ? {} : { alg: jwk.alg }), ...members }
}

/** Writes a private JWK Set, whole or not at all, for its owner's eyes only. */
export async function writePrivateJwks(path: string, keys: readonly PrivateJwk[]): Promise<void> {
  await writeWhole(path, `${JSON.stringify({ keys }, null, 2)}\n`, 0o600)
}

/** The public half as others are given it. */
export function publicJwk({ kid, jwk }: Pick<FileKey, 'kid' | 'jwk'>) {
  const { kty, ...members } = bareKey(jwk)
  return { kty, kid, use: 'sig', ...(jwk.alg === undefined ? {} : { alg: jwk.alg }), ...members }
}

/** The public half of a key that was just made. */
export function publicHalf({ kid, ...jwk }: PrivateJwk) {
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...half } = jwk
  return publicJwk({ kid, jwk: signingJwk.parse(half) })
}

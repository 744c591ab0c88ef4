import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto'
import { CompactSign, calculateJwkThumbprint } from 'jose'
import * as z from 'zod'

/** The algorithm of receipts: what every platform verifies. */
export const receiptAlgorithm = 'ES256'

const coordinate = z.base64url().length(43)
const privateJwk = z.looseObject({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: coordinate,
  y: coordinate,
  d: coordinate,
})
const privateJwkSet = z.looseObject({ keys: z.array(privateJwk).min(1).max(10) })

/** What the router signs with, and what others verify it by. */
export type RouterKeys = {
  readonly signing: { readonly key: KeyObject; readonly kid: string }
  /** A JWK Set (RFC 7517 section 5) of the public keys, the present one first. */
  readonly publicJwks: { readonly keys: readonly Readonly<Record<string, string>>[] }
  /** For nonces, the present one first: derived, so that there is one secret only. */
  readonly nonceKeys: readonly Buffer[]
}

/** Why a key file can't be used; the message never quotes it. */
export class RouterKeyError extends Error {
  constructor() {
    super(
      'is no JWK Set of private EC P-256 keys: make one with `npx landfall keys new --type ES256 --out FILE`',
    )
    this.name = 'RouterKeyError'
  }
}

/**
 * Reads the router's keys: a private JWK Set whose first key signs, and whose others are still published
 * for the receipts and nonces that they signed. `audience` ties nonces to one deployment. Throws
 * RouterKeyError.
 */
export async function parseRouterKeys(text: string, audience: string): Promise<RouterKeys> {
  const keys = parsePrivateKeys(text)
  const published = await Promise.all(
    keys.map(async (key) => {
      const { kty = '', crv = '', x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' })
      const jwk = { kty, crv, x, y }
      const kid = await calculateJwkThumbprint(jwk)
      return { ...jwk, kid, use: 'sig', alg: receiptAlgorithm }
    }),
  )
  const [key] = keys
  const [first] = published
  if (key === undefined || first === undefined) throw new RouterKeyError()
  return {
    signing: { key, kid: first.kid },
    publicJwks: { keys: published },
    nonceKeys: keys.map((it) => nonceKey(it, audience)),
  }
}

function parsePrivateKeys(text: string): KeyObject[] {
  try {
    const { keys } = privateJwkSet.parse(JSON.parse(text))
    return keys.map(({ kty, crv, x, y, d }) =>
      createPrivateKey({ key: { kty, crv, x, y, d }, format: 'jwk' }),
    )
  } catch {
    // Neither the parser's message nor OpenSSL's: both may quote the key.
    throw new RouterKeyError()
  }
}

function nonceKey(key: KeyObject, audience: string): Buffer {
  const { d = '' } = key.export({ format: 'jwk' })
  const info = `landfall nonce ${audience}`
  return Buffer.from(hkdfSync('sha256', Buffer.from(d, 'base64url'), '', info, 32))
}

/** What the router vouches for: which device was sent where, by which policy, and why. */
export const receiptSchema = z.strictObject({
  iss: z.string().describe('The deployment, as aud.'),
  sub: z.string().describe('The thing name.'),
  iat: z.int().describe('When the answer was given: seconds since 1970.'),
  region: z.string().describe('As in the answer.'),
  endpointAddress: z.string().describe('As in the answer.'),
  certificateId: z.string().describe('As in the answer.'),
  product: z.string().describe('The device’s product.'),
  policyVersion: z
    .int()
    .optional()
    .describe(
      'Version of the product’s document that was in force, where an operator applied one.',
    ),
  reason: z.string().describe('Why this region.'),
})

export type Receipt = Readonly<z.infer<typeof receiptSchema>>

/** A receipt as a compact JWS (RFC 7515), `typ` landfall-receipt+jwt. */
export async function signReceipt(keys: RouterKeys, receipt: Receipt): Promise<string> {
  const { key, kid } = keys.signing
  return await new CompactSign(new TextEncoder().encode(JSON.stringify(receipt)))
    .setProtectedHeader({ alg: receiptAlgorithm, kid, typ: 'landfall-receipt+jwt' })
    .sign(key)
}

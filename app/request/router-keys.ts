import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
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
const privateJwkSet = z.looseObject({ keys: z.array(privateJwk).min(1) })
type PrivateJwk = Pick<z.infer<typeof privateJwk>, 'kty' | 'crv' | 'x' | 'y' | 'd'>

/** As many as a Lambda's environment, 4 KB, holds with room to spare, and as anybody verifies by. */
export const mostRouterKeys = 10

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
  constructor(
    why = 'is no JWK Set of private EC P-256 keys: make one with `npx landfall keys new --type ES256 --out FILE`',
  ) {
    super(why)
    this.name = 'RouterKeyError'
  }
}

/**
 * Reads the router's keys: a private JWK Set whose first key signs, and whose others are still published
 * for the receipts and nonces that they signed. `audience` ties nonces to one deployment. Throws
 * RouterKeyError.
 */
export async function parseRouterKeys(text: string, audience: string): Promise<RouterKeys> {
  const keys = parsePrivateJwks(text).map((key) => createPrivateKey({ key, format: 'jwk' }))
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

/**
 * The same set on one line, with nothing in it but what makes the keys: what travels to edges that have it
 * in their environment. Throws RouterKeyError.
 */
export function compactRouterKeys(text: string): string {
  return JSON.stringify({ keys: parsePrivateJwks(text) })
}

function parsePrivateJwks(text: string): PrivateJwk[] {
  const { keys } = parseSet(text)
  if (keys.length > mostRouterKeys) {
    throw new RouterKeyError(
      `holds ${keys.length} keys, and ${mostRouterKeys} are the most: take the last ones out, which are the oldest`,
    )
  }
  for (const key of keys) {
    // Node.js takes any `d` for any point, and nobody could verify what such a key signs.
    if (!isPair(key)) throw new RouterKeyError()
  }
  return keys.map(({ kty, crv, x, y, d }) => ({ kty, crv, x, y, d }))
}

function parseSet(text: string): z.infer<typeof privateJwkSet> {
  try {
    return privateJwkSet.parse(JSON.parse(text))
  } catch {
    // The parser's message may quote the key.
    throw new RouterKeyError()
  }
}

/** Whether the point is the private number's own (SEC 1 section 3.2.1). */
function isPair({ x, y, d }: PrivateJwk): boolean {
  const ecdh = createECDH('prime256v1')
  try {
    ecdh.setPrivateKey(d, 'base64url')
  } catch {
    return false
  }
  const coordinates = [x, y].map((it) => Buffer.from(it, 'base64url'))
  return ecdh.getPublicKey().equals(Buffer.concat([Buffer.of(4), ...coordinates]))
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

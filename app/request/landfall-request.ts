import * as z from 'zod'
import { AppError } from '../app-error.ts'
import { type DeliveryJwk, deliveryJwk } from './delivery-key.ts'
import { findJsonObject } from './json-object.ts'
import { type SignatureAlgorithm, signatureAlgorithms } from './signing-jwk.ts'
import { isThingName } from './thing-name.ts'

/** A request of the Landfall contract that has the right shape; nothing in it is verified yet. */
export type LandfallRequest = {
  /** In base64url, as RFC 7515 section 7.2.2 names the parts. */
  readonly jws: { readonly protected: string; readonly payload: string; readonly signature: string }
  readonly algorithm: SignatureAlgorithm
  readonly kid: string | undefined
  /** The device's certificate and its issuers, each DER. */
  readonly chain: readonly Buffer[] | undefined
  readonly thingName: string
  readonly audience: string
  /** Epoch milliseconds. */
  readonly iat: number | undefined
  readonly nonce: string | undefined
  /** DER. */
  readonly csr: Buffer | undefined
  /** The key that a server-made one is to be encrypted to. */
  readonly deliveryKey: DeliveryJwk | undefined
}

export const requestTypes = ['application/jose', 'application/jose+json'] as const

const longestChain = 5
const base64url = /^[A-Za-z0-9_-]+$/
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** A key is trusted because allow-list or product name it; an extension isn't understood (RFC 7515). */
const refusedHeaders = ['crit', 'b64', 'jwk', 'jku', 'x5u'] as const

/** The protected header; members that aren't named are ignored (RFC 7515 section 4). */
export const headerSchema = z.looseObject({
  alg: z
    .enum(signatureAlgorithms, `alg must be one of ${signatureAlgorithms.join(', ')}`)
    .describe(`${signatureAlgorithms.join(', ')}, as far as the key may.`),
  kid: z
    .string('kid must be a string')
    .max(256, 'kid is longer than 256 characters')
    .optional()
    .describe('The kid of a product’s signer. A device that signs with its own key needs none.'),
  x5c: z
    .array(z.string().max(8192).regex(base64), 'x5c must be a list of base64 certificates')
    .min(1, 'x5c is empty')
    .max(longestChain, `x5c has more than ${longestChain} certificates`)
    .optional()
    .describe('The certificate that a factory gave the device, then its issuers: base64 of DER.'),
})

/** What a device says under its signature; the members that docs/landfall-contract.md describes. */
export const payloadSchema = z
  .looseObject({
    sub: z
      .string('sub must be the thing name')
      .refine(isThingName, 'sub is no thing name: 1 to 128 of A-Z a-z 0-9 : _ -')
      .describe('The thing name.'),
    aud: z.string('aud must be a string').max(512).describe('The deployment, letter for letter.'),
    iat: z
      .number('iat must be a NumericDate: seconds since 1970')
      .min(0)
      .max(1e11)
      .optional()
      .describe('When it was signed: seconds since 1970, RFC 7519 NumericDate. This or nonce.'),
    nonce: z
      .string('nonce must be a string')
      .max(256)
      .optional()
      .describe('A nonce of GET /v1/nonce or of Replay-Nonce. This or iat.'),
    csr: z
      .string('csr must be a string')
      .max(5500, 'csr is too long')
      .regex(base64url, 'csr must be base64url of DER, without padding')
      .optional()
      .describe('PKCS#10 (RFC 2986) in DER, base64url. This or jwk.'),
    jwk: deliveryJwk
      .optional()
      .describe('The public key that the key made by AWS IoT is encrypted to. This or csr.'),
  })
  .refine((it) => it.iat !== undefined || it.nonce !== undefined, 'iat or nonce is missing')
  .refine((it) => (it.csr === undefined) !== (it.jwk === undefined), {
    error: 'one of csr and jwk is needed, and not both',
  })

/** RFC 7515 section 7.2.2; an unprotected header is refused, since nobody signed it. */
export const flattenedSchema = z.strictObject({
  protected: z.string().regex(base64url).describe('Base64url of ProtectedHeader as JSON.'),
  payload: z.string().regex(base64url).describe('Base64url of Payload as JSON.'),
  signature: z.string().regex(base64url).describe('Over protected, a dot, and payload.'),
})

/** Reads a body of at most 16 KiB; throws AppError `invalid-request` that says what is wrong. */
export function parseLandfallRequest(body: string, flattened: boolean): LandfallRequest {
  const jws = flattened ? parseFlattened(body) : parseCompact(body)
  const header = parsePart(headerSchema, jws.protected, 'protected header', refusedHeaders)
  const payload = parsePart(payloadSchema, jws.payload, 'payload')
  return {
    jws,
    algorithm: header.alg,
    kid: header.kid,
    chain: header.x5c?.map((certificate) => Buffer.from(certificate, 'base64')),
    thingName: payload.sub,
    audience: payload.aud,
    iat: payload.iat === undefined ? undefined : Math.floor(payload.iat * 1000),
    nonce: payload.nonce,
    csr: payload.csr === undefined ? undefined : Buffer.from(payload.csr, 'base64url'),
    deliveryKey: payload.jwk,
  }
}

function parseCompact(body: string): LandfallRequest['jws'] {
  const [protectedHeader = '', payload = '', signature = '', ...more] = body.trim().split('.')
  const parts = [protectedHeader, payload, signature]
  if (more.length > 0 || !parts.every((part) => base64url.test(part))) {
    throw invalid('the body is no compact JWS: three parts of base64url with dots between them')
  }
  return { protected: protectedHeader, payload, signature }
}

function parseFlattened(body: string): LandfallRequest['jws'] {
  const parsed = flattenedSchema.safeParse(findJsonObject(body))
  if (parsed.success) return parsed.data
  throw invalid('the body is no flattened JWS: JSON of protected, payload and signature, no other')
}

function parsePart<S extends z.ZodType>(
  schema: S,
  part: string,
  what: string,
  refused: readonly string[] = [],
): z.output<S> {
  const bytes = Buffer.from(part, 'base64url')
  // What isn't UTF-8, or has bits left over, could be read in two ways.
  const text = bytes.toString('utf8')
  const exact = bytes.toString('base64url') === part && Buffer.from(text, 'utf8').equals(bytes)
  const members = exact ? findJsonObject(text) : undefined
  if (members === undefined) {
    throw invalid(`the ${what} is no JSON object with unique names, in UTF-8 and base64url`)
  }
  const bad = refused.find((name) => Object.hasOwn(members, name))
  if (bad !== undefined) throw invalid(`the ${what} must not have ${bad}`)
  const parsed = schema.safeParse(members)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const member = issue?.path.join('.') ?? ''
  const why = issue?.message ?? 'wrong'
  throw invalid(`the ${what}: ${why.startsWith(member) ? why : `${member}: ${why}`}`)
}

function invalid(why: string): AppError {
  return new AppError('invalid-request', why)
}

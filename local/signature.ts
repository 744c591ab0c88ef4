import {
  createHash,
  createHmac,
  createSecretKey,
  type Hash,
  type Hmac,
  timingSafeEqual,
} from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Checksum, SourceData } from '@smithy/types'

const MAX_SKEW_MS = 5 * 60 * 1000

/** The Authorization header of Signature Version 4, taken apart. */
export type Authorization = {
  readonly accessKeyId: string
  /** YYYYMMDD of the credential scope. */
  readonly date: string
  readonly region: string
  readonly service: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
}

/** A request as it came over the wire. */
export type SignedRequest = {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

/** Reads `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`; undefined where it isn't that. */
export function findAuthorization(header: string): Authorization | undefined {
  const parts =
    /^AWS4-HMAC-SHA256\s+Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-f]{64})$/.exec(
      header.trim(),
    )
  const scope = /^([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request$/.exec(parts?.[1] ?? '')
  const [, , signedHeaders, signature] = parts ?? []
  const [, accessKeyId, date, region, service] = scope ?? []
  if (!signedHeaders || !signature || !accessKeyId || !date || !region || !service) return undefined
  return {
    accessKeyId,
    date,
    region,
    service,
    signedHeaders: signedHeaders.toLowerCase().split(';'),
    signature,
  }
}

/** Milliseconds of an `x-amz-date` (20261122T164300Z), or undefined. */
export function findSigningTime(amzDate: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(amzDate)
  if (!parts) return undefined
  const [, year, month, day, hour, minute, second] = parts
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(time) ? undefined : time
}

/** What is wrong with the time of signing, in AWS's words, or undefined. */
export function findSkew(amzDate: string, signedAt: number, now: number): string | undefined {
  const stamp = (time: number) => new Date(time).toISOString().replace(/[-:]|\.\d+/g, '')
  if (signedAt < now - MAX_SKEW_MS) {
    return `Signature expired: ${amzDate} is now earlier than ${stamp(now - MAX_SKEW_MS)} (${stamp(now)} - 5 min.)`
  }
  if (signedAt > now + MAX_SKEW_MS) {
    return `Signature not yet current: ${amzDate} is still later than ${stamp(now + MAX_SKEW_MS)} (${stamp(now)} + 5 min.)`
  }
  return undefined
}

/** The headers that AWS wants under the signature but that the client left out of it. */
export function unsignedHeaders(
  headers: Readonly<Record<string, string | undefined>>,
  signedHeaders: readonly string[],
): string[] {
  const signed = new Set(signedHeaders)
  const wanted = Object.keys(headers).filter((name) => name.startsWith('x-amz-'))
  return ['host', ...wanted].filter((name) => !signed.has(name))
}

/**
 * Whether the signature is the one that this secret gives over exactly the signed headers.
 * Rebuilt with the SDK's own signer, which encodes the path twice as clients do. A body hash that
 * the client sent must be the body's, so that a signed header can't stand for another body.
 */
export async function isSignedBy(
  secretAccessKey: string,
  request: SignedRequest,
  authorization: Authorization,
  signedAt: number,
): Promise<boolean> {
  const bodyHash = createHash('sha256').update(request.body).digest('hex')
  if ((request.headers['x-amz-content-sha256'] ?? bodyHash) !== bodyHash) return false
  const headers: Record<string, string> = {}
  for (const name of authorization.signedHeaders) {
    const value = request.headers[name]
    if (value === undefined) return false
    headers[name] = value
  }
  const signer = new SignatureV4({
    service: authorization.service,
    region: authorization.region,
    credentials: { accessKeyId: authorization.accessKeyId, secretAccessKey },
    sha256: Sha256,
    applyChecksum: false,
  })
  const signed = await signer.sign(
    {
      method: request.method,
      protocol: 'http:',
      hostname: '',
      path: request.path,
      query: queryBag(request.query),
      headers,
      body: request.body,
    },
    { signingDate: new Date(signedAt), signableHeaders: new Set(authorization.signedHeaders) },
  )
  const { authorization: rebuilt = '' } = signed.headers
  const signature = findAuthorization(rebuilt)?.signature
  if (signature === undefined) return false
  return timingSafeEqual(Buffer.from(signature), Buffer.from(authorization.signature))
}

function queryBag(query: URLSearchParams): Record<string, string[]> {
  const bag: Record<string, string[]> = {}
  for (const key of new Set(query.keys())) bag[key] = query.getAll(key)
  return bag
}

/** SHA-256, or HMAC-SHA-256 under a secret, in the shape that the signer wants. */
class Sha256 implements Checksum {
  readonly #secret: Uint8Array | undefined
  #hash: Hash | Hmac

  constructor(secret?: SourceData) {
    this.#secret = secret === undefined ? undefined : bytesOf(secret)
    this.#hash = startHash(this.#secret)
  }

  update(data: SourceData): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest())
  }

  reset(): void {
    this.#hash = startHash(this.#secret)
  }
}

function startHash(secret: Uint8Array | undefined): Hash | Hmac {
  // A key object, as Node takes four times as long to find that bytes aren't one.
  return secret ? createHmac('sha256', createSecretKey(secret)) : createHash('sha256')
}

function bytesOf(data: SourceData): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data)
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return new Uint8Array(data)
}

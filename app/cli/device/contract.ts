import { type KeyObject, randomUUID, sign } from 'node:crypto'
import * as z from 'zod'

/** The body of `POST /device-provisioning` (docs/contract.md). */
export type SeedRequest = {
  readonly 'thing-name': string
  readonly 'thing-name-sig': string
  readonly CSR?: string
}

/** What the edge answered. `later`: asking again helps. */
export type SeedAnswer =
  | {
      readonly kind: 'provisioned'
      readonly region: string
      readonly endpointAddress: string
      readonly certificatePem: string
      readonly distanceKm?: number
      /** The key that AWS IoT made, where no CSR was sent. */
      readonly privateKeyPem?: string
      readonly message?: string
    }
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }
  | {
      readonly kind: 'later'
      readonly status: number
      readonly message: string
      readonly retryAfterSeconds?: number
    }
  | { readonly kind: 'unreadable'; readonly status: number; readonly why: string }

/** Standard base64 of RSA PKCS#1 v1.5, SHA-256, over the name's UTF-8 bytes. */
export function signThingName(thing: string, fleetKey: KeyObject): string {
  return sign('sha256', Buffer.from(thing, 'utf8'), fleetKey).toString('base64')
}

/** `fake` signs the real name and sends another one: the edge must answer `wrong sig`. */
export function buildSeedRequest(options: {
  thing: string
  fleetKey: KeyObject
  csrPem?: string
  fake?: boolean
}): SeedRequest {
  return {
    'thing-name': options.fake === true ? randomUUID() : options.thing,
    'thing-name-sig': signThingName(options.thing, options.fleetKey),
    ...(options.csrPem === undefined ? {} : { CSR: options.csrPem }),
  }
}

const successSchema = z.object({
  status: z.literal('success'),
  region: z.string().min(1),
  endpointAddress: z.string().min(1),
  certificatePem: z.string().includes('-----BEGIN CERTIFICATE-----'),
  distance: z.number().optional(),
  PrivateKey: z.string().includes('PRIVATE KEY-----').optional(),
  message: z.string().optional(),
})
const errorSchema = z.object({ status: z.literal('error'), message: z.string() })

/** Reads an answer. A success that doesn't fit the request (a key without being asked) is unreadable. */
export function readSeedAnswer(
  status: number,
  retryAfter: string | undefined,
  body: string,
  sentCsr: boolean,
): SeedAnswer {
  const json = findJson(body)
  if (status === 200) {
    const parsed = successSchema.safeParse(json)
    if (!parsed.success) return unreadable(status, parsed.error)
    const { region, endpointAddress, certificatePem, distance, PrivateKey, message } = parsed.data
    if (!sentCsr && PrivateKey === undefined) {
      return { kind: 'unreadable', status, why: 'PrivateKey is missing, and no CSR was sent' }
    }
    return {
      kind: 'provisioned',
      region,
      endpointAddress,
      certificatePem,
      ...(distance === undefined ? {} : { distanceKm: distance }),
      ...(PrivateKey === undefined || sentCsr ? {} : { privateKeyPem: PrivateKey }),
      ...(message === undefined ? {} : { message }),
    }
  }
  const refusal = errorSchema.safeParse(json)
  const message = refusal.success ? refusal.data.message : `HTTP ${status}`
  // 5xx that isn't ours (a gateway in between) may pass too.
  if (status === 429 || status >= 500) {
    const seconds = parseRetryAfter(retryAfter)
    return {
      kind: 'later',
      status,
      message,
      ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
    }
  }
  if (refusal.success) return { kind: 'refused', status, message }
  return { kind: 'unreadable', status, why: `no answer of a provisioning edge (HTTP ${status})` }
}

function unreadable(status: number, error: z.ZodError): SeedAnswer {
  const issue = error.issues[0]
  const field = issue?.path.join('.') ?? ''
  return {
    kind: 'unreadable',
    status,
    why: `${field === '' ? 'the body' : field}: ${issue?.message}`,
  }
}

function findJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** Retry-After in seconds; the date form isn't used by the edge, so it counts as absent. */
function parseRetryAfter(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) : undefined
}

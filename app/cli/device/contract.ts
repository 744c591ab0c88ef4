import type { HttpAnswer } from './edge-client.ts'

export type ContractName = 'seed' | 'landfall'

/** How a device asks an edge for its identity: the seed's way, or Landfall's. */
export type DeviceContract = {
  /** The provisioning URL, for messages. */
  readonly url: string
  /** What that URL ends in. */
  readonly path: string
  /** Asks once, signed anew. A network failure that may pass is the answer `later`; one that can't throws. */
  ask(request: DeviceRequest, signal: AbortSignal): Promise<Answer>
  close(): Promise<void>
}

export type DeviceRequest = {
  readonly thing: string
  /** Of the device's own key; undefined: AWS IoT makes the key. */
  readonly csrPem: string | undefined
  /** Signs the real name and sends another one: the edge must refuse. */
  readonly fake: boolean
}

export type Provisioned = {
  readonly kind: 'provisioned'
  readonly region: string
  readonly endpointAddress: string
  readonly certificatePem: string
  readonly distanceKm?: number
  /** The key that AWS IoT made, where no CSR was sent. */
  readonly privateKeyPem?: string
  readonly message?: string
  /** Why this region; the Landfall contract says it. */
  readonly reason?: string
  /** What the router vouches for, a compact JWS that was verified; the Landfall contract has it. */
  readonly receipt?: string
}

export type Refused = {
  readonly kind: 'refused'
  readonly status: number
  readonly message: string
  /** The problem's name (docs/problems.md); the Landfall contract has it. */
  readonly problem?: string
  /** Names the request in the edge's log. */
  readonly requestId?: string
}

export type Answer =
  | Provisioned
  | Refused
  /** The request was too old or used before: asking at once, dated anew, helps. */
  | { readonly kind: 'stale'; readonly refused: Refused }
  /** Asking again later helps. Status 0: there was no answer. */
  | {
      readonly kind: 'later'
      readonly status: number
      readonly message: string
      readonly retryAfterSeconds?: number
    }
  | Unreadable

export type Unreadable = {
  readonly kind: 'unreadable'
  readonly status: number
  readonly why: string
}

/** Why a body that should be a success is none: the field, and what is wrong with it. */
export function unreadable(
  status: number,
  issue: { readonly path: PropertyKey[]; readonly message: string } | undefined,
): Unreadable {
  const field = issue?.path.join('.') ?? ''
  const why = `${field === '' ? 'the body' : field}: ${issue?.message ?? 'wrong'}`
  return { kind: 'unreadable', status, why }
}

export function findJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** An answer of another kind than the URL should give. */
export function notWhatWasAsked(
  url: string,
  { status, retryAfterSeconds }: Pick<HttpAnswer, 'status' | 'retryAfterSeconds'>,
): Answer {
  if (status === 429 || status >= 500) {
    const wait = retryAfterSeconds === undefined ? {} : { retryAfterSeconds }
    return { kind: 'later', status, message: `HTTP ${status} from ${url}`, ...wait }
  }
  return { kind: 'unreadable', status, why: `HTTP ${status} from ${url}` }
}

import { rootCertificates } from 'node:tls'
import { Agent, request } from 'undici'
import { CommandFailure, errorMessage, findErrorCode } from '../failure.ts'

const CONNECT_TIMEOUT_MS = 10_000
/** Longer than API Gateway's 30 s, so that the gateway's own answer arrives. */
const ANSWER_TIMEOUT_MS = 35_000
const ANSWER_MAX_BYTES = 256 * 1024

export type Edge = {
  readonly url: string
  /** Trusted beside Node's own root certificates. */
  readonly caPem?: string
  /** Sent as X-Forwarded-For; counts only where the edge trusts us as a proxy. */
  readonly address?: string
}

export type HttpAnswer = {
  readonly status: number
  readonly body: string
  /** Of a header that stands once; else undefined. */
  header(name: string): string | undefined
  /** Retry-After in seconds; the date form isn't used by the edge, so it counts as absent. */
  readonly retryAfterSeconds?: number
}

/** There was no answer, and asking again may help. */
export type NoAnswer = { readonly kind: 'later'; readonly status: 0; readonly message: string }

export type EdgeClient = {
  send(
    path: { readonly url: string; readonly method: 'GET' | 'POST' },
    signal: AbortSignal,
    body?: { readonly type?: string; readonly text: string },
  ): Promise<HttpAnswer | NoAnswer>
  close(): Promise<void>
}

/** Keeps its connections until it is closed. Redirects aren't followed. */
export function openEdge(edge: Edge): EdgeClient {
  const agent = new Agent({
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      ...(edge.caPem === undefined ? {} : { ca: [...rootCertificates, edge.caPem] }),
    },
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
    maxResponseSize: ANSWER_MAX_BYTES,
  })
  return {
    async send({ url, method }, signal, body) {
      try {
        const response = await request(url, {
          method,
          dispatcher: agent,
          signal,
          headers: {
            ...(edge.address === undefined ? {} : { 'x-forwarded-for': edge.address }),
            ...(body?.type === undefined ? {} : { 'content-type': body.type }),
          },
          body: body?.text ?? null,
        })
        const header = (name: string) => {
          const value = response.headers[name]
          return typeof value === 'string' ? value : undefined
        }
        const seconds = parseRetryAfter(header('retry-after'))
        return {
          status: response.statusCode,
          body: await response.body.text(),
          header,
          ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
        }
      } catch (error) {
        if (signal.aborted) throw error
        throwIfFinal(url, error)
        return { kind: 'later', status: 0, message: errorMessage(error) }
      }
    },
    close: async () => await agent.destroy(),
  }
}

function parseRetryAfter(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) : undefined
}

const UNKNOWN_CA = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
])

export function isUnknownCa(error: unknown): boolean {
  return UNKNOWN_CA.has(findErrorCode(error) ?? '')
}

function throwIfFinal(url: string, error: unknown): void {
  const code = findErrorCode(error) ?? ''
  if (isUnknownCa(error)) {
    throw new CommandFailure(`${url} shows a certificate of an unknown authority`, {
      hint: 'give its CA certificate with --ca FILE',
      cause: error,
    })
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code.startsWith('CERT_')) {
    throw new CommandFailure(`${url} shows a certificate that isn't valid for it (${code})`, {
      hint: 'check the host name in --url and this machine’s clock',
      cause: error,
    })
  }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    throw new CommandFailure(`${url} answered more than ${ANSWER_MAX_BYTES} bytes`, {
      hint: 'this is no provisioning edge: check --url',
      cause: error,
    })
  }
}

import { rootCertificates } from 'node:tls'
import { Agent, request } from 'undici'
import { CommandFailure, errorMessage, findErrorCode } from '../failure.ts'
import { readSeedAnswer, type SeedAnswer, type SeedRequest } from './contract.ts'

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

/**
 * Sends one request, as the seed's device does: no Content-Type. Redirects aren't followed.
 * A network failure that may pass is the answer `later`; one that can't (an unknown CA) throws.
 */
export async function askEdge(
  edge: Edge,
  seedRequest: SeedRequest,
  signal: AbortSignal,
): Promise<SeedAnswer> {
  const agent = new Agent({
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      ...(edge.caPem === undefined ? {} : { ca: [...rootCertificates, edge.caPem] }),
    },
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
    maxResponseSize: ANSWER_MAX_BYTES,
  })
  try {
    const response = await request(edge.url, {
      method: 'POST',
      dispatcher: agent,
      signal,
      headers: edge.address === undefined ? {} : { 'x-forwarded-for': edge.address },
      body: JSON.stringify(seedRequest),
    })
    const body = await response.body.text()
    const retryAfter = response.headers['retry-after']
    return readSeedAnswer(
      response.statusCode,
      typeof retryAfter === 'string' ? retryAfter : undefined,
      body,
      seedRequest.CSR !== undefined,
    )
  } catch (error) {
    if (signal.aborted) throw error
    throwIfFinal(edge.url, error)
    return { kind: 'later', status: 0, message: errorMessage(error) }
  } finally {
    await agent.destroy()
  }
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

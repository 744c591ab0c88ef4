import * as z from 'zod'
import { type Answer, findJson, type Refused, unreadable } from './contract.ts'
import type { HttpAnswer } from './edge-client.ts'

const successSchema = z.object({
  thingName: z.string(),
  region: z.string().min(1),
  endpointAddress: z.string().min(1),
  port: z.int(),
  certificateId: z.string().regex(/^[0-9a-f]{64}$/, 'is no certificate id'),
  certificatePem: z.string().includes('-----BEGIN CERTIFICATE-----'),
  privateKeyJwe: z.string().optional(),
  distanceKm: z.number().optional(),
  reason: z.string(),
  receipt: z.string(),
})

/** The body of a 200 (docs/landfall-contract.md); nothing in it is verified yet. */
export type LandfallSuccess = z.infer<typeof successSchema>

/** RFC 9457; `type` is a path that the edge serves. */
const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  detail: z.string().optional(),
  requestId: z.string().optional(),
})

export type LandfallAnswer =
  | { readonly kind: 'success'; readonly success: LandfallSuccess }
  | { readonly kind: 'stale'; readonly refused: Refused; readonly nonce: string | undefined }
  | Exclude<Answer, { kind: 'provisioned' | 'stale' }>

/** Reads an answer to `POST /v1/provision`. */
export function readLandfallAnswer(answer: HttpAnswer): LandfallAnswer {
  const { status, retryAfterSeconds } = answer
  const json = findJson(answer.body)
  if (status === 200) {
    const parsed = successSchema.safeParse(json)
    if (!parsed.success) return unreadable(status, parsed.error.issues[0])
    return { kind: 'success', success: parsed.data }
  }
  const { data: problem } = problemSchema.safeParse(json)
  const name = problem?.type.slice(problem.type.lastIndexOf('/') + 1)
  const message =
    problem === undefined
      ? `HTTP ${status}`
      : `${name}: ${(problem.detail ?? problem.title).replace(/\.$/, '')}`
  // 5xx that isn't ours (a gateway in between) may pass too.
  if (status === 408 || status === 429 || status >= 500) {
    const wait = retryAfterSeconds === undefined ? {} : { retryAfterSeconds }
    return { kind: 'later', status, message, ...wait }
  }
  if (problem === undefined || name === undefined) {
    return { kind: 'unreadable', status, why: `no answer of a provisioning edge (HTTP ${status})` }
  }
  const { requestId } = problem
  const refused: Refused = {
    kind: 'refused',
    status,
    message,
    problem: name,
    ...(requestId === undefined ? {} : { requestId }),
  }
  if (name !== 'stale-request') return refused
  return { kind: 'stale', refused, nonce: answer.header('replay-nonce') }
}

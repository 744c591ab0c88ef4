import type { Context } from 'hono'
import * as z from 'zod'
import type { ProblemAnswer } from './problems.ts'
import type { LandfallLanding } from './provision-landfall-device.ts'

/** AWS IoT's MQTT over mutual TLS (AWS IoT Core Developer Guide, "Protocols, port mappings"). */
const mqttPort = 8883

/** Success under the Landfall contract; docs/landfall-contract.md has every member. */
export const answerSchema = z.strictObject({
  thingName: z.string().describe('The thing name, as sub.'),
  region: z.string().describe('The AWS Region where the device lives now.'),
  endpointAddress: z.string().describe('The MQTT endpoint there.'),
  port: z.int().describe('8883: MQTT over mutual TLS.'),
  certificateId: z.string().describe('AWS IoT’s id of the certificate.'),
  certificatePem: z.string().describe('The device’s certificate, PEM.'),
  privateKeyJwe: z
    .string()
    .optional()
    .describe(
      'With jwk: the key that AWS IoT made, a compact JWE (ECDH-ES+A256KW, A256GCM) of its PEM.',
    ),
  distanceKm: z
    .number()
    .optional()
    .describe('Kilometres from the device to the region, where it could be located.'),
  reason: z.string().describe('Why this region.'),
  receipt: z.string().describe('A compact JWS by a key of /v1/jwks.'),
})

/** A problem (RFC 9457). */
export const problemSchema = z.strictObject({
  type: z.string().describe('A path that this edge serves.'),
  title: z.string().describe('The same for every problem of this type.'),
  status: z.int().describe('The HTTP status.'),
  detail: z.string().describe('What was wrong with this request, or what the type means.'),
  requestId: z.string().describe('Names the request in the edge’s log.'),
})

export function landfallAnswer(c: Context, it: LandfallLanding, requestId: string): Response {
  mark(c, requestId)
  const answer: z.infer<typeof answerSchema> = {
    thingName: it.thingName,
    region: it.region,
    endpointAddress: it.endpointAddress,
    port: mqttPort,
    certificateId: it.certificateId,
    certificatePem: it.certificatePem,
    ...(it.privateKeyJwe === undefined ? {} : { privateKeyJwe: it.privateKeyJwe }),
    ...(it.distanceKm === undefined ? {} : { distanceKm: it.distanceKm }),
    reason: it.reason,
    receipt: it.receipt,
  }
  return c.json(answer)
}

/** A failure under the Landfall contract; `nonce` goes with a request that wasn't fresh. */
export function landfallProblem(
  c: Context,
  problem: ProblemAnswer,
  requestId: string,
  nonce?: string,
): Response {
  mark(c, requestId)
  if (problem.retryAfterSeconds !== undefined) {
    c.header('Retry-After', String(problem.retryAfterSeconds))
  }
  if (nonce !== undefined) c.header('Replay-Nonce', nonce)
  const { title, status, detail } = problem
  const body: z.infer<typeof problemSchema> = {
    type: `/problems/${problem.type}`,
    title,
    status,
    detail,
    requestId,
  }
  return c.json(body, status, { 'Content-Type': 'application/problem+json' })
}

function mark(c: Context, requestId: string): void {
  c.header('Cache-Control', 'no-store')
  c.header('X-Request-Id', requestId)
}

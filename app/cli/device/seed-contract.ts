import { type KeyObject, randomUUID, sign } from 'node:crypto'
import * as z from 'zod'
import { type Answer, type DeviceContract, findJson, unreadable } from './contract.ts'
import { type Edge, type HttpAnswer, openEdge } from './edge-client.ts'

/** The body of `POST /device-provisioning` (docs/contract.md). */
export type SeedRequest = {
  readonly 'thing-name': string
  readonly 'thing-name-sig': string
  readonly CSR?: string
}

/** Asks as the seed's device does: without a Content-Type. `fleetKey` is RSA. */
export function seedContract(edge: Edge, fleetKey: KeyObject): DeviceContract {
  const client = openEdge(edge)
  return {
    url: edge.url,
    path: '/device-provisioning',
    async ask({ thing, csrPem, fake }, signal) {
      const request: SeedRequest = {
        'thing-name': fake ? randomUUID() : thing,
        'thing-name-sig': signThingName(thing, fleetKey),
        ...(csrPem === undefined ? {} : { CSR: csrPem }),
      }
      const answer = await client.send({ url: edge.url, method: 'POST' }, signal, {
        text: JSON.stringify(request),
      })
      return 'kind' in answer ? answer : readSeedAnswer(answer, csrPem !== undefined)
    },
    close: client.close,
  }
}

/** Standard base64 of RSA PKCS#1 v1.5, SHA-256, over the name's UTF-8 bytes. */
function signThingName(thing: string, fleetKey: KeyObject): string {
  return sign('sha256', Buffer.from(thing, 'utf8'), fleetKey).toString('base64')
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
function readSeedAnswer({ status, body, retryAfterSeconds }: HttpAnswer, sentCsr: boolean): Answer {
  const json = findJson(body)
  if (status === 200) {
    const parsed = successSchema.safeParse(json)
    if (!parsed.success) return unreadable(status, parsed.error.issues[0])
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
    const wait = retryAfterSeconds === undefined ? {} : { retryAfterSeconds }
    return { kind: 'later', status, message, ...wait }
  }
  if (refusal.success) return { kind: 'refused', status, message }
  return { kind: 'unreadable', status, why: `no answer of a provisioning edge (HTTP ${status})` }
}

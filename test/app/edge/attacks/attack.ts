import { sign } from 'node:crypto'
import { ScanCommand } from '@aws-sdk/client-dynamodb'
import { expect } from 'vitest'
import { putProduct } from '../../../../app/products/control-table.ts'
import { productSchema } from '../../../../app/products/product.ts'
import { makeDeviceKey } from '../../../device-key.ts'
import {
  audience,
  csrMember,
  type Jws,
  makeSigningKey,
  postLandfall,
  seconds,
} from '../../../landfall-request.ts'
import { type Call, type EdgeProcess, type Stage, setStage } from '../../../stage.ts'

/** A real edge in front of AWS on one machine, and who an attacker may want to be. */
export type Target = { readonly stage: Stage; readonly edge: EdgeProcess }

/** A device that the allow-list knows, with what an attacker has of it and what it keeps to itself. */
export type Victim = {
  readonly sub: string
  /** Its own signing key. */
  readonly key: ReturnType<typeof makeSigningKey>['key']
  readonly jwk: ReturnType<typeof makeSigningKey>['jwk']
  /** A CSR of its key, as the contract has it, and as PEM. */
  readonly csr: string
  readonly csrPem: string
}

export async function setTarget(
  product: Record<string, unknown>,
  others: readonly Record<string, unknown>[] = [],
): Promise<Target> {
  const stage = await setStage()
  await stage.changeProduct({
    signers: [],
    reprovisioning: { rule: 'replace', redeliverSeconds: 0 },
    ...product,
  })
  for (const other of others) {
    const document = { regionPolicy: { defaultRegion: 'us-east-1' }, ...other }
    await putProduct(stage.dynamoDb, 'iot-global-control', productSchema.parse(document))
  }
  return { stage, edge: await stage.startEdge() }
}

export async function makeVictim(
  { stage }: Target,
  sub: string,
  kind?: Parameters<typeof makeSigningKey>[0],
  about: Record<string, unknown> = {},
): Promise<Victim> {
  const { key, jwk } = makeSigningKey(kind)
  await stage.allowDevice(sub, { publicKey: { ...jwk, ...about } })
  const { csr } = await makeDeviceKey(sub)
  return { sub, key, jwk, csr: csrMember(csr), csrPem: csr }
}

/** A JWS of whatever parts; text is taken as it is, all else as JSON, and bytes are the signature. */
export function forgeJws(
  header: unknown,
  payload: unknown,
  signature: Buffer | ((input: Buffer) => Buffer),
): Jws {
  const [protectedHeader, body] = [encode(header), encode(payload)]
  const input = Buffer.from(`${protectedHeader}.${body}`)
  const bytes = Buffer.isBuffer(signature) ? signature : signature(input)
  return { protected: protectedHeader, payload: body, signature: bytes.toString('base64url') }
}

function encode(part: unknown): string {
  if (Buffer.isBuffer(part)) return part.toString('base64url')
  const text = typeof part === 'string' ? part : JSON.stringify(part)
  return Buffer.from(text).toString('base64url')
}

/** As jose signs ES256: r and s, 32 bytes each. */
export const es256 = (victim: Pick<Victim, 'key'>) => (input: Buffer) =>
  sign('sha256', input, { key: victim.key, dsaEncoding: 'ieee-p1363' })

/** What a device says, of now. */
export const claimsOf = ({ sub, csr }: Pick<Victim, 'sub' | 'csr'>) => ({
  sub,
  csr,
  aud: audience,
  iat: seconds(),
})

const reads: ReadonlySet<string> = new Set(['GetItem', 'Query', 'AssumeRole', 'DescribeEndpoint'])

/** What stood everywhere after a stage's last attack; the stage's calls since then are in its log. */
const lastSeen = new WeakMap<Stage, unknown>()

/**
 * Lets an attack happen, and proves that it left no trace: no call to AWS was one that writes, every row
 * is as it was, and in no region there is a thing or a certificate more or less.
 */
export async function withoutTrace<T>({ stage }: Target, attack: () => Promise<T>): Promise<T> {
  const seen = lastSeen.get(stage)
  const before = seen && (await writes(stage)).length === 0 ? seen : await observe(stage)
  await stage.clearCalls()
  const answer = await attack()
  expect(await writes(stage)).toEqual([])
  const after = await observe(stage)
  expect(after).toEqual(before)
  lastSeen.set(stage, after)
  await stage.clearCalls()
  return answer
}

async function writes(stage: Stage): Promise<Call[]> {
  return (await stage.calls()).filter((call) => !reads.has(call.operation))
}

async function observe(stage: Stage) {
  const scan = new ScanCommand({ TableName: 'iot-global-provisioning', ConsistentRead: true })
  const { Items: rows } = await stage.dynamoDb.send(scan)
  return { rows, identities: await stage.identities() }
}

/** Sends a body and expects this problem, and no trace. */
export async function expectRefused(
  target: Target,
  body: string | Jws,
  problem: { status: number; type: string },
  options: Parameters<typeof postLandfall>[2] = {},
): Promise<void> {
  const answer = await withoutTrace(target, () => postLandfall(target.edge, body, options))
  expect({ status: answer.status, type: answer.type }, JSON.stringify(answer.body.detail)).toEqual(
    problem,
  )
}

/** Provisions a device, and confirms it: asked once more, the edge attaches again what it attached before. */
export async function provisionVictim(
  { edge }: Target,
  victim: Victim,
): Promise<{ jws: Jws; body: Record<string, unknown> }> {
  const jws = forgeJws({ alg: 'ES256' }, claimsOf(victim), es256(victim))
  await postLandfall(edge, jws)
  const { status, body } = await postLandfall(edge, jws)
  expect(status).toBe(200)
  return { jws, body }
}

export const invalidRequest = { status: 400, type: 'invalid-request' }
export const notAuthorized = { status: 403, type: 'not-authorized' }
export const stale = { status: 400, type: 'stale-request' }
export const invalidCsr = { status: 400, type: 'invalid-csr' }

import { createPublicKey, X509Certificate } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { compactDecrypt, exportJWK, generateKeyPair } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../device-key.ts'
import { standingCertificates } from '../../identities.ts'
import {
  csrMember,
  type LandfallAnswer,
  makeSigningKey,
  postLandfall,
  signRequest,
} from '../../landfall-request.ts'
import { type EdgeProcess, noBreaker, type Stage, setStage } from '../../stage.ts'

let stage: Stage
let edge: EdgeProcess
let devices = 0
const region = 'eu-west-1'

/** Scaled down, in the order that docs/provisioning.md wants: call < deadline < lease. */
const shortTimes = {
  ...noBreaker,
  aws: { connectSeconds: 0.5, requestSeconds: 0.5 },
  deadlineSeconds: 2,
  leaseSeconds: 2.5,
  productRefreshSeconds: 600,
}

beforeAll(async () => {
  stage = await setStage([region], 120)
  edge = await stage.startEdge(shortTimes)
})
afterEach(() => stage.clearFaults())
afterAll(() => stage?.close())

/** The calls of a request's way, each by its turn among those of its name. */
const calls = [
  ['the claim', { operation: 'UpdateItem' }],
  ['the certificate', { operation: 'Create' }],
  ['the commit', { operation: 'UpdateItem', afterCalls: 1 }],
  ['the attachment', { operation: 'AttachThingPrincipal' }],
] as const
const kinds = ['error-before', 'error-after', 'lost'] as const
const cases = calls.flatMap(([name, call]) => kinds.map((kind) => ({ name, kind, call })))

async function newDevice(): Promise<{
  sub: string
  key: ReturnType<typeof makeSigningKey>['key']
}> {
  devices += 1
  const sub = `dated-${devices}`
  const { key, jwk } = makeSigningKey()
  await stage.allowDevice(sub, { publicKey: jwk })
  return { sub, key }
}

/** Signs anew each time, as a device does, until it has an answer. */
async function askUntilProvisioned(ask: () => Promise<LandfallAnswer>): Promise<LandfallAnswer> {
  for (let tries = 0; tries < 20; tries += 1) {
    const answer = await ask()
    if (answer.status === 200) return answer
    expect([answer.status, answer.retryAfter === null]).toEqual([503, false])
    await sleep(300)
  }
  throw new Error('the device was never provisioned')
}

async function liveIdentities(sub: string): Promise<string[]> {
  const all = await standingCertificates(stage)
  return all.filter((it) => it.active && it.things.includes(sub)).map((it) => it.certificateId)
}

describe('a dated request whose call fails', () => {
  it.each(cases)('$kind at $name ends with one identity, by a CSR', async ({ kind, call }) => {
    const { sub, key } = await newDevice()
    const csr = csrMember((await makeDeviceKey(sub)).csr)
    const operation = call.operation === 'Create' ? 'CreateCertificateFromCsr' : call.operation
    await stage.fault({ kind, region, ...call, operation, times: null })
    const request = await signRequest(key, { sub, csr })
    const first = await postLandfall(edge, request)
    await stage.faultFired(region)
    await stage.clearFaults()
    const again = await askUntilProvisioned(async () =>
      postLandfall(edge, await signRequest(key, { sub, csr })),
    )
    // The first request's bytes, once more: the same identity, and nothing new.
    const replayed = await postLandfall(edge, request)
    expect(replayed.body.certificatePem).toBe(again.body.certificatePem)
    if (first.status === 200) expect(first.body.certificateId).toBe(again.body.certificateId)
    expect(await liveIdentities(sub)).toEqual([again.body.certificateId])
    expect(await stage.violations()).toEqual([])
  })

  it.each(cases)('$kind at $name ends with one readable key, by a JWE', async ({ kind, call }) => {
    const { sub, key } = await newDevice()
    const mine = await generateKeyPair('ECDH-ES+A256KW', { extractable: true })
    const jwk = await exportJWK(mine.publicKey)
    const operation = call.operation === 'Create' ? 'CreateKeysAndCertificate' : call.operation
    await stage.fault({ kind, region, ...call, operation, times: null })
    const request = await signRequest(key, { sub, jwk })
    await postLandfall(edge, request)
    await stage.faultFired(region)
    await stage.clearFaults()
    const got = await askUntilProvisioned(async () =>
      postLandfall(edge, await signRequest(key, { sub, jwk })),
    )
    const { plaintext } = await compactDecrypt(String(got.body.privateKeyJwe), mine.privateKey)
    const pem = new TextDecoder().decode(plaintext)
    const certificate = new X509Certificate(String(got.body.certificatePem))
    expect(createPublicKey(pem).equals(certificate.publicKey)).toBe(true)
    // A captured request is older than the one that was answered: no key for it, ever again.
    expect(await postLandfall(edge, request)).toMatchObject({ type: 'stale-request' })
    expect(await liveIdentities(sub)).toEqual([got.body.certificateId])
    expect(await stage.violations()).toEqual([])
  })
})

import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeDeviceKey } from '../../device-key.ts'
import { csrMember, makeSigningKey, postLandfall, signRequest } from '../../landfall-request.ts'
import { type Call, type EdgeProcess, type Stage, setStage, signedRequest } from '../../stage.ts'

let stage: Stage
let edge: EdgeProcess

beforeAll(async () => {
  stage = await setStage(['eu-west-1'])
  edge = await stage.startEdge({ productRefreshSeconds: 600 })
  // Warm: credentials, connections and the shared policy.
  await stage.allow('first')
  await edge.post(signedRequest(stage, 'first'))
  await stage.fault({ kind: 'delay', delayMs: 150, times: null })
})
afterAll(() => stage?.close())

/** Calls whose times overlap are one wave; each wave is a round trip that the device waits for. */
function wavesOf(calls: readonly Call[]): string[][] {
  const waves: { operations: string[]; endedAt: number }[] = []
  for (const call of [...calls].sort((a, b) => a.startedAt - b.startedAt)) {
    const wave = waves.at(-1)
    if (wave === undefined || call.startedAt >= wave.endedAt) {
      waves.push({ operations: [call.operation], endedAt: call.endedAt })
      continue
    }
    wave.operations.push(call.operation)
    wave.endedAt = Math.max(wave.endedAt, call.endedAt)
  }
  return waves.map((wave) => wave.operations.sort())
}

async function wavesFor(thingName: string, csr?: string): Promise<string[][]> {
  await stage.clearCalls()
  const { status } = await edge.post(signedRequest(stage, thingName, csr))
  expect(status).toBe(200)
  return wavesOf(await stage.calls())
}

const waves = (create: string) => [
  ['GetItem'],
  ['UpdateItem'],
  [create, 'CreateThing'],
  ['UpdateItem'],
  ['AttachPolicy', 'AttachThingPrincipal'],
]

it('provisions in five waves, with no STS, endpoint or policy call among them', async () => {
  await stage.allow('csr', 'keys')
  const { csr } = await makeDeviceKey('csr')
  expect(await wavesFor('csr', csr)).toEqual(waves('CreateCertificateFromCsr'))
  expect(await wavesFor('keys')).toEqual(waves('CreateKeysAndCertificate'))
})

it('takes no more of them under the Landfall contract', async () => {
  const { key, jwk } = makeSigningKey()
  await stage.allowDevice('dated', { publicKey: jwk })
  const csr = csrMember((await makeDeviceKey('dated')).csr)
  await stage.clearCalls()
  const answer = await postLandfall(edge, await signRequest(key, { sub: 'dated', csr }))
  expect(answer.status).toBe(200)
  expect(wavesOf(await stage.calls())).toEqual(waves('CreateCertificateFromCsr'))
  await stage.clearCalls()
  const refused = await postLandfall(edge, await signRequest(key, { sub: 'nobody', csr }))
  expect(refused.type).toBe('not-authorized')
  expect(wavesOf(await stage.calls())).toEqual([['GetItem']])
})

it('answers again in one wave, once the certificate was seen attached', async () => {
  await stage.allow('again')
  const { csr } = await makeDeviceKey('again')
  await wavesFor('again', csr)
  expect(await wavesFor('again', csr)).toEqual([
    ['GetItem'],
    ['AttachPolicy', 'AttachThingPrincipal'],
    ['UpdateItem'],
  ])
  expect(await wavesFor('again', csr)).toEqual([['GetItem']])
})

it('reads newer products and what is said of regions beside the device record', async () => {
  const impatient = await stage.startEdge({ productRefreshSeconds: 0.001 })
  await stage.clearCalls()
  await impatient.post(signedRequest(stage, 'unknown'))
  const reads = wavesOf((await stage.calls()).filter((call) => call.service === 'dynamodb'))
  expect(reads).toEqual([['GetItem', 'Query', 'Query', 'Query']])
  await impatient.stop()
})

it('makes no connection to AWS for a request that it can refuse by itself', async () => {
  await stage.clearCalls()
  const { status } = await edge.post({ ...signedRequest(stage, 'csr'), 'thing-name': 'keys' })
  expect(status).toBe(401)
  expect(await stage.calls()).toEqual([])
})

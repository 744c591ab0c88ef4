import 'reflect-metadata'
import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { exportJWK, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../device-key.ts'
import { certifyDevice, factoryCa, makeAuthority, x5c } from '../../factory.ts'
import {
  csrMember,
  type Jws,
  makeSigningKey,
  postLandfall,
  seconds,
  signRequest,
} from '../../landfall-request.ts'
import { type EdgeProcess, noBreaker, type Stage, setStage, signedRequest } from '../../stage.ts'

/** Every request below goes through this stage, which searches its logs, and is closed by the last test. */
let stage: Stage
let edge: EdgeProcess
let closed = false
const fleet = makeSigningKey('RSA')
const root = await makeAuthority('Factory')
const faults = [
  { operation: 'CreateKeysAndCertificate', kind: 'error-after' },
  { operation: 'CreateKeysAndCertificate', kind: 'lost' },
  { operation: 'CreateCertificateFromCsr', kind: 'error-after' },
  { operation: 'AttachPolicy', kind: 'error-before' },
  { operation: 'UpdateItem', kind: 'error-before' },
  { operation: 'UpdateItem', kind: 'lost', afterCalls: 1 },
  { operation: 'GetItem', kind: 'throttle', times: 10 },
  { operation: 'CreateThing', kind: 'hang' },
]

beforeAll(async () => {
  stage = await setStage(['eu-west-1'])
  const { kty, n, e } = stage.signingKey.export({ format: 'jwk' })
  await stage.changeProduct({
    signers: [
      { kid: 'seed', contracts: ['seed'], jwk: { kty, n, e } },
      { kid: 'fleet', contracts: ['landfall'], jwk: fleet.jwk },
    ],
    factoryCas: [factoryCa('factory', root)],
    reprovisioning: { redeliverSeconds: 0 },
  })
  edge = await stage.startEdge({
    ...noBreaker,
    aws: { connectSeconds: 0.5, requestSeconds: 0.5 },
    deadlineSeconds: 2,
    leaseSeconds: 3,
    logLevel: 'debug',
  })
})
afterAll(() => (closed ? undefined : stage?.close()))

async function ownDevice(sub: string) {
  const { key, jwk } = makeSigningKey()
  await stage.allowDevice(sub, { publicKey: jwk })
  return { sub, key, csr: csrMember((await makeDeviceKey(sub)).csr) }
}

async function sealed(crv?: 'X25519') {
  const { publicKey } = await generateKeyPair('ECDH-ES+A256KW', crv ? { crv } : {})
  return await exportJWK(publicKey)
}

const post = (body: string | Jws, contentType?: string) =>
  postLandfall(edge, body, contentType ? { contentType } : {})

/** What the log has of the requests so far: outcomes, with their errors. */
const logged = () => edge.log.filter((it) => it.msg === 'request')

describe('what an edge logs', () => {
  it('of requests that succeed, under each contract and in each way, is no secret', async () => {
    const { sub, key, csr } = await ownDevice('own')
    const request = await signRequest(key, { sub, csr })
    const flat = JSON.stringify(request)
    await stage.allow('by-signer', 'lamp', 'seed-csr', 'seed-key')
    const bySigner = { sub: 'by-signer', jwk: await sealed() }
    const leaf = await certifyDevice(root, 'lamp')
    const lamp = { sub: 'lamp', jwk: await sealed('X25519') }
    const { csr: pem } = await makeDeviceKey('seed-csr')
    const answers = [
      await post(request),
      await post(request),
      await post(flat, 'application/jose+json'),
      await post(await signRequest(fleet.key, bySigner, { alg: 'RS256', kid: 'fleet' })),
      await post(await signRequest(leaf.signingKey, lamp, { x5c: x5c(leaf) })),
      await edge.post(signedRequest(stage, 'seed-csr', pem)),
      await edge.post(signedRequest(stage, 'seed-key')),
    ]
    expect(answers.map((it) => it.status)).toEqual(answers.map(() => 200))
  })

  it('of requests that are refused is no secret', async () => {
    const { sub, key, csr } = await ownDevice('refused')
    const other = makeSigningKey().key
    const refusals: [string | Jws, string?][] = [
      [await signRequest(other, { sub, csr })],
      [await signRequest(key, { sub: 'nobody', csr })],
      [await signRequest(key, { sub, csr, iat: seconds() - 4000 })],
      [await signRequest(key, { sub, csr, aud: 'https://other.test' })],
      [await signRequest(key, { sub, csr: 'MIIB' })],
      [await signRequest(key, { sub, csr, jwk: other.export({ format: 'jwk' }) })],
      [await signRequest(key, { sub, jwk: { ...(await sealed()), d: 'A'.repeat(43) } })],
      [await signRequest(key, { sub, csr }, { jwk: key.export({ format: 'jwk' }) })],
      [await signRequest(key, { sub, csr }), 'application/json'],
      [`${'A'.repeat(20_000)}`],
      ['eyJhbGciOiJub25lIn0.e30.'],
    ]
    for (const [body, type] of refusals) {
      expect((await post(body, type)).status).toBeGreaterThanOrEqual(400)
    }
    const seed = signedRequest(stage, 'nobody')
    for (const body of [
      seed,
      { ...seed, CSR: 'x' },
      { ...seed, 'thing-name': 'x' },
      '{"thing-name"',
    ]) {
      expect((await edge.post(body)).status).toBeGreaterThanOrEqual(400)
    }
  })

  it.each(faults)('of a request whose $operation fails ($kind) is no secret', async (fault) => {
    const { sub, key, csr } = await ownDevice(`${fault.operation}-${fault.kind}`)
    await stage.fault(fault)
    const what = fault.operation.includes('Keys') ? { jwk: await sealed() } : { csr }
    await post(await signRequest(key, { sub, ...what }))
    await stage.clearFaults()
    expect([200, 503]).toContain((await post(await signRequest(key, { sub, ...what }))).status)
  })

  it('of rows and products that hold a private key is no secret', async () => {
    const jwk = { kty: 'EC', ...makeSigningKey().key.export({ format: 'jwk' }) }
    await stage.dynamoDb.send(
      new PutItemCommand({
        TableName: 'iot-global-provisioning',
        Item: {
          thing_name: { S: 'bad-row' },
          prov_status: { S: 'unprovisioned' },
          public_key: { S: JSON.stringify(jwk) },
        },
      }),
    )
    await stage.dynamoDb.send(
      new PutItemCommand({
        TableName: 'iot-global-control',
        Item: {
          kind: { S: 'product' },
          name: { S: 'bad' },
          document: {
            S: JSON.stringify({
              name: 'bad',
              signers: [{ kid: 'x', contracts: ['landfall'], jwk }],
            }),
          },
        },
      }),
    )
    const second = await stage.startEdge()
    await expect.poll(() => JSON.stringify(second.log)).toContain('product bad')
    const body = await signRequest(
      fleet.key,
      { sub: 'bad-row', csr: 'MIIB' },
      { alg: 'RS256', kid: 'fleet' },
    )
    expect((await postLandfall(second, body)).status).toBe(403)
    expect((await second.post(signedRequest(stage, 'bad-row'))).status).toBe(403)
    await expect.poll(() => JSON.stringify(second.log)).toContain('row bad-row is no device record')
  })

  it('has said all that, causes and all, before it is searched', async () => {
    const outcomes = logged().map((it) => it.outcome)
    for (const outcome of ['provisioned', 'repeated', 'refused', 'failed']) {
      expect(outcomes).toContain(outcome)
    }
    const errors = edge.log.map((it) => it.error).filter((it) => typeof it === 'string')
    expect(errors.some((it) => it.includes(' <- '))).toBe(true)
    expect(logged().length).toBeGreaterThan(30)
    closed = true
    await stage.close()
  })
})

it('a stage finds what an edge must not log', async () => {
  const other = await setStage(['eu-west-1'])
  const loud = await other.startEdge()
  // A name is logged, and one may look like a signature.
  const name = `Zx9${'aB3'.repeat(25)}`
  await loud.post(signedRequest(other, name))
  await expect.poll(() => loud.log.some((it) => it.thingName === name)).toBe(true)
  await expect(other.close()).rejects.toThrow('an edge logged base64 as long as a signature')
})

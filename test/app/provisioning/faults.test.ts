import { X509Certificate } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../device-key.ts'
import { standingCertificates } from '../../identities.ts'
import {
  type Answer,
  type EdgeProcess,
  noBreaker,
  type Stage,
  setStage,
  signedRequest,
} from '../../stage.ts'

let stage: Stage
let edge: EdgeProcess
let devices = 0

/** Scaled down, in the order that docs/provisioning.md wants: call < deadline < lease. */
const shortTimes = {
  ...noBreaker,
  aws: { connectSeconds: 0.5, requestSeconds: 0.5 },
  deadlineSeconds: 2,
  leaseSeconds: 2.5,
  productRefreshSeconds: 600,
}

beforeAll(async () => {
  stage = await setStage(['eu-west-1', 'us-east-1'])
  edge = await stage.startEdge(shortTimes)
  await stage.allow('first')
  await edge.post(signedRequest(stage, 'first'))
})
afterEach(() => stage.clearFaults())
afterAll(() => stage?.close())

async function newDevice(): Promise<{ thingName: string; csr: string }> {
  devices += 1
  const thingName = `device-${devices}`
  await stage.allow(thingName)
  return { thingName, csr: (await makeDeviceKey(thingName)).csr }
}

/** Asks as a patient device does, until it gets its certificate. */
async function askUntilProvisioned(request: unknown): Promise<Answer> {
  for (let tries = 0; tries < 20; tries += 1) {
    const answer = await edge.post(request)
    if (answer.status === 200) return answer
    expect(answer.status).toBe(503)
    await sleep(400)
  }
  throw new Error('the device was never provisioned')
}

/** One live identity, the one that the record and the device hold; whatever else stands can do nothing. */
async function expectOneIdentity(thingName: string, answer: Answer): Promise<void> {
  const record = await stage.row(thingName)
  const der = new X509Certificate(String(answer.body.certificatePem))
  expect(der.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(record?.certificateId)
  expect(record?.status).toBe('provisioned')
  const all = await standingCertificates(stage)
  const attached = all.filter((it) => it.things.includes(thingName))
  expect(attached).toEqual([
    {
      region: record?.region,
      certificateId: record?.certificateId,
      active: true,
      things: [thingName],
      policies: ['LandfallDevice'],
    },
  ])
  for (const stray of all.filter((it) => it.things.length === 0)) expect(stray.policies).toEqual([])
}

describe('when AWS fails', () => {
  it('undoes what it made before the commit, and lets the next request in at once', async () => {
    const { thingName, csr } = await newDevice()
    const before = (await standingCertificates(stage)).length
    await stage.fault({ kind: 'error-before', operation: 'CreateThing', times: null })
    const failed = await edge.post(signedRequest(stage, thingName, csr))
    expect(failed.status).toBe(503)
    expect((await standingCertificates(stage)).length).toBe(before)
    expect(await stage.row(thingName)).toMatchObject({ status: 'unprovisioned', attempts: 1 })
    await stage.clearFaults()
    expect((await edge.post(signedRequest(stage, thingName, csr))).status).toBe(200)
  })

  it('answers 503 within its deadline where a call hangs, and a lease keeps others out', async () => {
    const { thingName, csr } = await newDevice()
    await stage.fault({ kind: 'hang', operation: 'CreateCertificateFromCsr', times: null })
    const startedAt = Date.now()
    const failed = await edge.post(signedRequest(stage, thingName, csr))
    expect(failed.status).toBe(503)
    expect(Date.now() - startedAt).toBeLessThan(10_000)
    await stage.clearFaults()
    const answer = await askUntilProvisioned(signedRequest(stage, thingName, csr))
    await expectOneIdentity(thingName, answer)
  })

  it('issues one certificate only, however often a lost answer could have been retried', async () => {
    const { thingName, csr } = await newDevice()
    await stage.fault({ kind: 'lost', operation: 'CreateCertificateFromCsr', times: null })
    await stage.clearCalls()
    expect((await edge.post(signedRequest(stage, thingName, csr))).status).toBe(503)
    const calls = await stage.calls()
    const issuing = calls.filter((call) => call.operation === 'CreateCertificateFromCsr')
    expect(issuing).toHaveLength(1)
  })

  it('waits out a throttled certificate call', async () => {
    const patient = await stage.startEdge({ ...shortTimes, deadlineSeconds: 10, leaseSeconds: 11 })
    const { thingName, csr } = await newDevice()
    await stage.fault({ kind: 'throttle', operation: 'CreateCertificateFromCsr', times: 1 })
    const answer = await patient.post(signedRequest(stage, thingName, csr))
    expect(answer.status).toBe(200)
    await expectOneIdentity(thingName, answer)
    await patient.stop()
  })

  it('refuses honestly where no role can be had, and recovers', async () => {
    await stage.fault({ kind: 'error-before', operation: 'AssumeRole', times: null })
    const cold = await stage.startEdge(shortTimes)
    const { thingName, csr } = await newDevice()
    const failed = await cold.post(signedRequest(stage, thingName, csr))
    expect([failed.status, failed.body.message]).toEqual([503, 'try again later'])
    await stage.clearFaults()
    const answer = await cold.post(signedRequest(stage, thingName, csr))
    expect(answer.status).toBe(200)
    await expectOneIdentity(thingName, answer)
    await cold.stop()
  })

  it('creates the shared policy once where it is missing', async () => {
    await stage.clearCalls()
    const requests = await Promise.all(
      [1, 2, 3].map(async () => {
        const { thingName, csr } = await newDevice()
        return edge.post(signedRequest(stage, thingName, csr), '128.59.1.1')
      }),
    )
    expect(requests.map((answer) => answer.status)).toEqual([200, 200, 200])
    // Whoever heard late that it was missing may try too, and is told that it is there.
    const calls = (await stage.calls()).filter((call) => call.operation === 'CreatePolicy')
    expect(calls.filter((call) => call.status === 200)).toHaveLength(1)
    expect(calls.filter((call) => call.status !== 200 && call.status !== 409)).toEqual([])
  })
})

describe('when two requests of one device meet', () => {
  it('lets one of them through and tells the others to wait', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { thingName, csr } = await newDevice()
      const request = signedRequest(stage, thingName, csr)
      const answers = await Promise.all(
        [1, 2, 3, 4].map((it) => edge.post(request, it % 2 ? '134.226.1.1' : '128.59.1.1')),
      )
      const winners = answers.filter((answer) => answer.status === 200)
      expect(winners.length).toBeGreaterThanOrEqual(1)
      for (const answer of answers) {
        expect([200, 503]).toContain(answer.status)
        if (answer.status === 503) expect(answer.retryAfter).toMatch(/^\d+$/)
      }
      for (const winner of winners) await expectOneIdentity(thingName, winner)
    }
  })
})

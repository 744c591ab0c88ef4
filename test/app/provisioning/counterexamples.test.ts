import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { UpdateCertificateCommand } from '@aws-sdk/client-iot'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { dynamoAllowList } from '../../../app/allowlist/dynamo-allow-list.ts'
import type { DeviceEvent } from '../../../app/provisioning/device-event.ts'
import type { DeviceRecord } from '../../../app/provisioning/device-record.ts'
import { transition } from '../../../app/provisioning/transition.ts'
import { makeDeviceKey } from '../../device-key.ts'
import {
  addresses,
  type EdgeProcess,
  noBreaker,
  type Stage,
  setStage,
  signedRequest,
} from '../../stage.ts'
import { sweepStage } from '../../sweeping.ts'
import { landfall } from '../cli/run-landfall.ts'

/**
 * The fourteen ways in which a model broke the first draft of the protocol, each as it would happen
 * now. Times are scaled down; the watcher sees every instant.
 */
const TableName = 'iot-global-provisioning'
const times = {
  ...noBreaker,
  aws: { connectSeconds: 0.5, requestSeconds: 0.5 },
  deadlineSeconds: 2,
  leaseSeconds: 2.2,
  productRefreshSeconds: 600,
}
let stage: Stage
let edge: EdgeProcess
let devices = 0

beforeAll(async () => {
  stage = await setStage(['eu-west-1', 'us-east-1', 'ap-northeast-1'], 0)
  edge = await stage.startEdge({ ...times, aws: { connectSeconds: 2, requestSeconds: 4 } })
  await stage.allow('first')
  await edge.post(signedRequest(stage, 'first'))
})
afterEach(() => stage.clearFaults())
afterAll(() => stage?.close())

async function newDevice(): Promise<{ thingName: string; request: unknown }> {
  devices += 1
  const thingName = `counterexample-${devices}`
  await stage.allow(thingName)
  const { csr } = await makeDeviceKey(thingName)
  return { thingName, request: signedRequest(stage, thingName, csr) }
}

async function untilStatus(thingName: string, status: string): Promise<void> {
  const read = async () => (await stage.row(thingName))?.status
  await expect.poll(read, { interval: 10, timeout: 5000 }).toBe(status)
}

async function endLease(thingName: string): Promise<void> {
  await stage.dynamoDb.send(
    new UpdateItemCommand({
      TableName,
      Key: { thing_name: { S: thingName } },
      UpdateExpression: 'SET lease_until = :past',
      ExpressionAttributeValues: { ':past': { S: '2020-01-01T00:00:00.000Z' } },
    }),
  )
}

/** An operator's order, as the commands give it. */
async function order(thingName: string, event: DeviceEvent): Promise<DeviceRecord> {
  const allowList = dynamoAllowList({ client: stage.dynamoDb, table: TableName })
  const signal = AbortSignal.timeout(5000)
  let record = await allowList.find(thingName, { signal, consistent: true })
  while (record !== undefined) {
    const outcome = transition(record, event, Date.now())
    if (outcome.type !== 'write') return record
    const result = await allowList.save(record, outcome.next, signal)
    if (result.saved) return outcome.next
    record = result.current
  }
  throw new Error(`${thingName} is gone`)
}

async function liveOf(thingName: string) {
  const { things } = await stage.identities()
  return (things[thingName] ?? []).filter((it) => it.status === 'ACTIVE')
}

async function expectOnlyRecorded(thingName: string): Promise<void> {
  const record = await stage.row(thingName)
  expect(record?.status).toBe('provisioned')
  const { region, certificateId } = record ?? {}
  expect(await liveOf(thingName)).toMatchObject([{ region, certificateId }])
}

const delay = (operation: string, delayMs: number, region?: string) =>
  stage.fault({ kind: 'delay', operation, delayMs, times: 1, ...(region ? { region } : {}) })

describe('the model’s counterexamples', () => {
  it('1: a take-over that dies leaves nothing live when a third lands elsewhere', async () => {
    const { thingName, request } = await newDevice()
    const dying = [await stage.startEdge(times), await stage.startEdge(times)]
    for (const [index, one] of dying.entries()) {
      const from = index === 0 ? addresses.dublin : addresses.newYork
      await stage.fault({ kind: 'delay', operation: 'CreateThing', delayMs: 400, times: 1 })
      const asking = one.post(request, from).catch(() => undefined)
      const attempts = async () => (await stage.row(thingName))?.attempts
      await expect.poll(attempts, { interval: 10 }).toBe(index + 1)
      await one.stop('SIGKILL')
      await asking
      await endLease(thingName)
    }
    await sleep(500)
    expect((await edge.post(request, addresses.tokyo)).status).toBe(200)
    await expectOnlyRecorded(thingName)
    expect((await stage.row(thingName))?.region).toBe('ap-northeast-1')
  })

  it('2: an attach that lands after the cleaning meets an inactive certificate', async () => {
    const { thingName, request } = await newDevice()
    await delay('AttachThingPrincipal', 800)
    const asking = edge.post(request)
    await untilStatus(thingName, 'provisioned')
    const blocked = await order(thingName, { type: 'block', by: 'test', attemptId: randomUUID() })
    for (const { region, certificateId } of blocked.superseded) {
      const iot = stage.iot(region)
      await iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }))
    }
    await asking
    expect((await stage.identities()).things[thingName]).toHaveLength(1)
    expect(await liveOf(thingName)).toEqual([])
  })

  it('3: a stale attempt destroys its own certificate, never the newer one', async () => {
    const { thingName, request } = await newDevice()
    await delay('CreateThing', 1200, 'eu-west-1')
    const stale = edge.post(request)
    await untilStatus(thingName, 'provisioning')
    await endLease(thingName)
    expect((await edge.post(request, addresses.newYork)).status).toBe(200)
    await stale
    await expectOnlyRecorded(thingName)
    expect((await stage.row(thingName))?.region).toBe('us-east-1')
  })

  it('4: a commit whose outcome is unknown is never undone', async () => {
    const { thingName, request } = await newDevice()
    const short = await stage.startEdge(times)
    await stage.fault({ kind: 'lost', operation: 'UpdateItem', afterCalls: 1, times: null })
    await stage.fault({ kind: 'lost', operation: 'GetItem', afterCalls: 1, times: null })
    const unknown = await short.post(request)
    expect([unknown.status, unknown.body.message]).toEqual([503, 'try again later'])
    await stage.clearFaults()
    const committed = (await stage.row(thingName))?.certificateId
    expect(committed).toBeDefined()
    expect((await edge.post(request)).status).toBe(200)
    await expectOnlyRecorded(thingName)
    expect((await stage.row(thingName))?.certificateId).toBe(committed)
  })

  // 5, the consistent read after a failed condition: test/app/allowlist/dynamo-allow-list.test.ts

  it.each([
    '6: a block outlives the attempt',
    '10: a block during the attempt leaves nothing live',
  ])('%s that was under way', async () => {
    const { thingName, request } = await newDevice()
    await delay('CreateThing', 1200)
    const asking = edge.post(request)
    await untilStatus(thingName, 'provisioning')
    const own = (await stage.row(thingName))?.attemptId
    const { attemptId } = await order(thingName, {
      type: 'block',
      by: 'test',
      attemptId: randomUUID(),
    })
    expect(attemptId).not.toBe(own)
    expect((await asking).status).toBe(403)
    expect((await stage.row(thingName))?.status).toBe('blocked')
    expect(await liveOf(thingName)).toEqual([])
  })

  it('7: a sweep that begins while an attempt commits sees the region first, and keeps it', async () => {
    const { thingName, request } = await newDevice()
    await delay('CreateThing', 500)
    // The scan waits until the attempt has committed what was listed before.
    await stage.fault({ kind: 'delay', operation: 'Scan', delayMs: 900, times: 1 })
    const asking = edge.post(request)
    await untilStatus(thingName, 'provisioning')
    await sleep(200)
    await sweepStage(stage, { since: 'everything', leaseSeconds: 2.2 })
    expect((await asking).status).toBe(200)
    await expectOnlyRecorded(thingName)
  })

  it('8: the sweeper wins an ended lease before it touches anything, and the attempt loses', async () => {
    const { thingName, request } = await newDevice()
    await delay('CreateThing', 1500)
    const asking = edge.post(request)
    await untilStatus(thingName, 'provisioning')
    await endLease(thingName)
    const report = await sweepStage(stage, { leaseSeconds: 2.2 })
    const repaired = report.regions.flatMap((it) => it.repaired).concat(report.repaired)
    expect(repaired).toContainEqual(expect.objectContaining({ why: 'expired', thingName }))
    expect((await asking).status).toBe(503)
    expect(await liveOf(thingName)).toEqual([])
    expect((await edge.post(request)).status).toBe(200)
    await expectOnlyRecorded(thingName)
  })

  it('9: the sweeper forgets what it saw gone, and nothing that came meanwhile', async () => {
    const { thingName, request } = await newDevice()
    await edge.post(request)
    const free = { type: 'move', by: 'test', attemptId: randomUUID(), region: 'us-east-1' } as const
    await order(thingName, free)
    expect((await edge.post(request)).status).toBe(200)
    const first = (await stage.row(thingName))?.superseded[0]
    // The sweep's write comes after another certificate was superseded.
    await stage.fault({ kind: 'delay', operation: 'DeleteCertificate', delayMs: 1500, times: 1 })
    const sweeping = sweepStage(stage, { since: 'everything', leaseSeconds: 2.2 })
    await sleep(500)
    await order(thingName, { ...free, region: 'eu-west-1' })
    expect((await edge.post(request)).status).toBe(200)
    await sweeping
    const superseded = (await stage.row(thingName))?.superseded ?? []
    expect(superseded).not.toContainEqual(first)
    expect(superseded).toHaveLength(1)
    await expectOnlyRecorded(thingName)
  })

  it('11: an operator’s order comes to the record first: where it can’t, nothing is deactivated', async () => {
    const { thingName, request } = await newDevice()
    await edge.post(request)
    await stage.fault({ kind: 'error-before', operation: 'UpdateItem', times: null })
    const blocking = await landfall(
      [
        'allow',
        'block',
        thingName,
        '--yes',
        '--region',
        'eu-west-1',
        '--endpoint-url',
        stage.aws.awsEndpointUrl,
      ],
      {
        env: {
          AWS_ACCESS_KEY_ID: stage.aws.operator.accessKeyId,
          AWS_SECRET_ACCESS_KEY: stage.aws.operator.secretAccessKey,
        },
      },
    )
    expect(blocking.code).toBe(1)
    await expectOnlyRecorded(thingName)
  })

  it('12: attempts of one and the same request have ids of their own', async () => {
    const { thingName, request } = await newDevice()
    await stage.fault({ kind: 'hang', operation: 'CreateThing', times: null })
    const short = await stage.startEdge({ ...times, deadlineSeconds: 0.4, leaseSeconds: 0.5 })
    const ids = new Set<string | undefined>()
    for (let round = 0; round < 3; round += 1) {
      await short.post(request)
      ids.add((await stage.row(thingName))?.attemptId)
      await sleep(600)
    }
    expect(ids.size).toBe(3)
  })

  it('13: after its commit an attempt goes nowhere else, however its region fails', async () => {
    const { thingName, request } = await newDevice()
    await stage.fault({ kind: 'error-before', operation: 'AttachPolicy', times: null })
    expect((await edge.post(request)).status).toBe(503)
    expect((await edge.post(request, addresses.tokyo)).status).toBe(503)
    await stage.clearFaults()
    expect((await edge.post(request, addresses.tokyo)).body.region).toBe('eu-west-1')
    await expectOnlyRecorded(thingName)
  })
})

describe('all the while', () => {
  it('no two identities were live at once, and none that a record named was killed', async () => {
    expect(await stage.violations()).toEqual([])
  })
})

describe('the counterexample that remains', () => {
  it('14: a row overwritten by hand gives a second identity, until the next sweep', async () => {
    const { thingName, request } = await newDevice()
    await edge.post(request)
    const Item = { thing_name: { S: thingName }, prov_status: { S: 'unprovisioned' } }
    await stage.dynamoDb.send(new PutItemCommand({ TableName, Item }))
    expect((await edge.post(request)).status).toBe(200)
    expect(await liveOf(thingName)).toHaveLength(2)
    await sweepStage(stage, { since: 'everything', leaseSeconds: 2.2 })
    await expectOnlyRecorded(thingName)
  })
})

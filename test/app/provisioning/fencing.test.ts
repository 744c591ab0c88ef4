import { setTimeout as sleep } from 'node:timers/promises'
import { DeleteItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import {
  CreateThingCommand,
  DescribeThingCommand,
  ListThingPrincipalsCommand,
} from '@aws-sdk/client-iot'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../device-key.ts'
import { standingCertificates } from '../../identities.ts'
import { addresses, type EdgeProcess, type Stage, setStage, signedRequest } from '../../stage.ts'

const TableName = 'iot-global-provisioning'
let stage: Stage
let edge: EdgeProcess

beforeAll(async () => {
  stage = await setStage(['eu-west-1', 'us-east-1'])
  edge = await stage.startEdge({ deadlineSeconds: 4, leaseSeconds: 5 })
})
afterEach(() => stage.clearFaults())
afterAll(() => stage?.close())

async function setStatus(thingName: string, status: string): Promise<void> {
  await stage.dynamoDb.send(
    new UpdateItemCommand({
      TableName,
      Key: { thing_name: { S: thingName } },
      UpdateExpression: 'SET prov_status = :status',
      ExpressionAttributeValues: { ':status': { S: status } },
    }),
  )
}

async function attachedTo(thingName: string) {
  return (await standingCertificates(stage)).filter((it) => it.things.includes(thingName))
}

describe('an attempt that lost its record while it worked', () => {
  it.each([
    ['blocked by hand', (name: string) => setStatus(name, 'blocked'), 'blocked'],
    [
      'overwritten by hand',
      (name: string) =>
        stage.dynamoDb.send(
          new PutItemCommand({
            TableName,
            Item: { thing_name: { S: name }, prov_status: { S: 'blocked' } },
          }),
        ),
      'blocked',
    ],
  ])('because it was %s attaches nothing, and destroys what it made', async (_, order, status) => {
    const thingName = `lost-${Math.random().toString(36).slice(2)}`
    await stage.allow(thingName)
    const before = (await standingCertificates(stage)).length
    await stage.fault({ kind: 'delay', operation: 'CreateThing', delayMs: 1000, times: 1 })
    const asking = edge.post(signedRequest(stage, thingName))
    const statusOf = async () => (await stage.row(thingName))?.status
    await expect.poll(statusOf, { interval: 10 }).toBe('provisioning')
    await order(thingName)
    const answer = await asking
    expect([answer.status, answer.body.message]).toEqual([403, 'you not'])
    expect((await stage.row(thingName))?.status).toBe(status)
    expect(await attachedTo(thingName)).toEqual([])
    expect((await standingCertificates(stage)).length).toBe(before)
  })

  it('to a later one gives its own certificate up, and hands out the winner', async () => {
    await stage.allow('taken-over')
    const { csr } = await makeDeviceKey('taken-over')
    const before = (await standingCertificates(stage)).length
    await stage.fault({
      kind: 'delay',
      operation: 'CreateThing',
      region: 'eu-west-1',
      delayMs: 2000,
      times: 1,
    })
    const asking = edge.post(signedRequest(stage, 'taken-over', csr))
    const statusOf = async () => (await stage.row('taken-over'))?.status
    await expect.poll(statusOf, { interval: 10 }).toBe('provisioning')
    await stage.dynamoDb.send(
      new UpdateItemCommand({
        TableName,
        Key: { thing_name: { S: 'taken-over' } },
        UpdateExpression: 'SET lease_until = :past',
        ExpressionAttributeValues: { ':past': { S: '2020-01-01T00:00:00.000Z' } },
      }),
    )
    const request = signedRequest(stage, 'taken-over', csr)
    const winner = await edge.post(request, addresses.newYork)
    expect([winner.status, winner.body.region]).toEqual([200, 'us-east-1'])
    const late = await asking
    expect(late.status).toBe(200)
    expect(late.body.certificatePem).toBe(winner.body.certificatePem)
    expect(late.body.region).toBe('us-east-1')
    expect(await attachedTo('taken-over')).toHaveLength(1)
    expect((await standingCertificates(stage)).length).toBe(before + 1)
  })

  it('while its process was stopped beyond its time touches nothing any more', async () => {
    await stage.allow('overtaken')
    const { csr } = await makeDeviceKey('overtaken')
    // An edge whose lease is over before its region answers, as one that was stopped for a while.
    const slow = await stage.startEdge({ deadlineSeconds: 1.9, leaseSeconds: 2 })
    await stage.fault({
      kind: 'delay',
      operation: 'CreateThing',
      region: 'eu-west-1',
      delayMs: 1500,
      times: 1,
    })
    const asking = slow.post(signedRequest(stage, 'overtaken', csr))
    const statusOf = async () => (await stage.row('overtaken'))?.status
    await expect.poll(statusOf, { interval: 10 }).toBe('provisioning')
    slow.child.kill('SIGSTOP')
    await sleep(2100)
    const taken = await edge.post(signedRequest(stage, 'overtaken', csr), addresses.newYork)
    expect([taken.status, taken.body.region]).toEqual([200, 'us-east-1'])
    const wokenAt = Date.now()
    slow.child.kill('SIGCONT')
    const late = await asking
    expect([200, 503]).toContain(late.status)
    if (late.status === 200) expect(late.body.certificatePem).toBe(taken.body.certificatePem)
    const calls = (await stage.calls()).filter((call) => call.startedAt > wokenAt)
    expect(calls.filter((call) => call.operation.startsWith('Attach'))).toEqual([])
    const record = await stage.row('overtaken')
    expect(record).toMatchObject({ status: 'provisioned', region: 'us-east-1', attempts: 2 })
    expect(await attachedTo('overtaken')).toEqual([
      expect.objectContaining({ certificateId: record?.certificateId, active: true }),
    ])
    await slow.stop()
  })
})

describe('a row that is removed and added again during an attempt', () => {
  it('is another one to the attempt, which loses though its own row was as old', async () => {
    const name = 'added-again'
    await stage.allow(name)
    const request = signedRequest(stage, name, (await makeDeviceKey(name)).csr)
    const statusOf = async () => (await stage.row(name))?.status
    const slow = { operation: 'CreateThing', kind: 'delay', times: 1 }
    await stage.fault({ ...slow, region: 'eu-west-1', delayMs: 1500 })
    const stale = edge.post(request, addresses.dublin)
    await expect.poll(statusOf, { interval: 10 }).toBe('provisioning')
    const Key = { thing_name: { S: name } }
    await stage.dynamoDb.send(new DeleteItemCommand({ TableName, Key }))
    await stage.allow(name)
    // The new row comes as far as the old one was, in another region, and waits there.
    await stage.fault({ ...slow, region: 'us-east-1', delayMs: 2500 })
    const fresh = edge.post(request, addresses.newYork)
    await stage.faultFired('us-east-1')
    const answers = await Promise.all([stale, fresh])
    expect(answers.map((it) => it.status)).toEqual([503, 200])
    const record = await stage.row(name)
    expect(record).toMatchObject({ status: 'provisioned', region: 'us-east-1' })
    expect(await attachedTo(name)).toMatchObject([
      { region: 'us-east-1', certificateId: record?.certificateId, active: true },
    ])
  })
})

describe('a certificate that the record still names', () => {
  it('is deactivated before a new one is committed, when a hand freed the device', async () => {
    await stage.allow('freed')
    await edge.post(signedRequest(stage, 'freed'))
    const old = (await stage.row('freed'))?.certificateId
    await setStatus('freed', 'unprovisioned')
    const again = await edge.post(signedRequest(stage, 'freed'), addresses.newYork)
    expect(again.status).toBe(200)
    const record = await stage.row('freed')
    expect(record?.superseded).toEqual([{ region: 'eu-west-1', certificateId: old }])
    const attached = await attachedTo('freed')
    expect(attached.filter((it) => it.active).map((it) => it.certificateId)).toEqual([
      record?.certificateId,
    ])
  })

  it('keeps its successor out while its region does not answer', async () => {
    await stage.allow('stuck')
    await edge.post(signedRequest(stage, 'stuck'))
    await setStatus('stuck', 'unprovisioned')
    await stage.fault({ kind: 'error-before', operation: 'UpdateCertificate', times: null })
    const refused = await edge.post(signedRequest(stage, 'stuck'), addresses.newYork)
    expect(refused.status).toBe(503)
    expect(await attachedTo('stuck')).toHaveLength(1)
    await stage.clearFaults()
    expect((await edge.post(signedRequest(stage, 'stuck'), addresses.newYork)).status).toBe(200)
    expect((await attachedTo('stuck')).filter((it) => it.active)).toHaveLength(1)
  })
})

describe('a thing that is there already', () => {
  const attributes = (it: Record<string, string>) => ({ attributePayload: { attributes: it } })

  it('is refused where somebody else made it, and nothing of the attempt stays', async () => {
    await stage.allow('foreign')
    const iot = stage.iot('eu-west-1')
    await iot.send(new CreateThingCommand({ thingName: 'foreign', ...attributes({ owner: 'x' }) }))
    const before = (await standingCertificates(stage)).length
    const answer = await edge.post(signedRequest(stage, 'foreign'))
    expect([answer.status, answer.body.message]).toEqual([403, 'you not'])
    expect((await standingCertificates(stage)).length).toBe(before)
    expect((await stage.row('foreign'))?.status).toBe('unprovisioned')
    const { principals } = await iot.send(new ListThingPrincipalsCommand({ thingName: 'foreign' }))
    expect(principals).toEqual([])
    const reason = () => edge.log.find((line) => line.thingName === 'foreign')?.reason
    await expect.poll(reason).toBe('region-not-ours')
  })

  it('is taken over where the row says that this region had the device', async () => {
    const iot = stage.iot('eu-west-1')
    await iot.send(new CreateThingCommand({ thingName: 'by-seed', ...attributes({ owner: 'x' }) }))
    await stage.dynamoDb.send(
      new PutItemCommand({
        TableName,
        Item: {
          thing_name: { S: 'by-seed' },
          prov_status: { S: 'unprovisioned' },
          aws_region: { S: 'eu-west-1' },
        },
      }),
    )
    expect((await edge.post(signedRequest(stage, 'by-seed'))).status).toBe(200)
    const thing = await iot.send(new DescribeThingCommand({ thingName: 'by-seed' }))
    expect(thing.attributes).toEqual({
      owner: 'x',
      'landfall-attempt': (await stage.row('by-seed'))?.attemptId,
    })
  })

  it('stays refused after an attempt that ended without a word', async () => {
    await stage.allow('foreign-too')
    const iot = stage.iot('eu-west-1')
    await iot.send(
      new CreateThingCommand({ thingName: 'foreign-too', ...attributes({ owner: 'x' }) }),
    )
    const hasty = await stage.startEdge({ deadlineSeconds: 0.5, leaseSeconds: 0.6 })
    await stage.fault({ kind: 'hang', operation: 'CreateThing', times: null })
    expect((await hasty.post(signedRequest(stage, 'foreign-too'))).status).toBe(503)
    expect((await stage.row('foreign-too'))?.status).toBe('provisioning')
    await stage.clearFaults()
    await sleep(700)
    expect((await edge.post(signedRequest(stage, 'foreign-too'))).status).toBe(403)
    await hasty.stop()
  })

  it('is still taken over after a first attempt that failed', async () => {
    const iot = stage.iot('eu-west-1')
    await iot.send(
      new CreateThingCommand({ thingName: 'by-seed-2', ...attributes({ owner: 'x' }) }),
    )
    const Item = {
      thing_name: { S: 'by-seed-2' },
      prov_status: { S: 'unprovisioned' },
      aws_region: { S: 'eu-west-1' },
    }
    await stage.dynamoDb.send(new PutItemCommand({ TableName, Item }))
    await stage.fault({ kind: 'error-before', operation: 'CreateThing', times: null })
    expect((await edge.post(signedRequest(stage, 'by-seed-2'))).status).toBe(503)
    await stage.clearFaults()
    expect((await edge.post(signedRequest(stage, 'by-seed-2'))).status).toBe(200)
  })

  it('is taken over where an earlier attempt left it', async () => {
    await stage.allow('left-over')
    await stage.fault({ kind: 'error-before', operation: 'CreateCertificateFromCsr', times: 1 })
    const { csr } = await makeDeviceKey('left-over')
    expect((await edge.post(signedRequest(stage, 'left-over', csr))).status).toBe(503)
    expect((await edge.post(signedRequest(stage, 'left-over', csr))).status).toBe(200)
    const thing = await stage
      .iot('eu-west-1')
      .send(new DescribeThingCommand({ thingName: 'left-over' }))
    const attemptId = (await stage.row('left-over'))?.attemptId
    expect(thing.attributes?.['landfall-attempt']).toBe(attemptId)
  })
})

import { setTimeout as sleep } from 'node:timers/promises'
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateKeysAndCertificateCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  DeleteCertificateCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTables } from '../../../app/allowlist/tables.ts'
import type { SweepReport } from '../../../app/provisioning/sweep-report.ts'
import { makeDeviceKey } from '../../device-key.ts'
import { addresses, type EdgeProcess, type Stage, setStage, signedRequest } from '../../stage.ts'
import { sweepStage } from '../../sweeping.ts'

const TableName = 'iot-global-provisioning'
const times = {
  aws: { connectSeconds: 0.5, requestSeconds: 0.5 },
  deadlineSeconds: 1.5,
  leaseSeconds: 2,
}
let stage: Stage
let edge: EdgeProcess
let devices = 0

beforeAll(async () => {
  stage = await setStage(['eu-west-1', 'us-east-1'])
  edge = await stage.startEdge(times)
  await stage.allow('first')
  await edge.post(signedRequest(stage, 'first'))
})
beforeEach(async () => {
  // Each test starts from what is clean, with a mark of its own.
  await sweepStage(stage, { dedicatedRegions: ['eu-west-1', 'us-east-1'] })
})
afterEach(async () => {
  await stage.clearFaults()
  const violations = await stage.violations()
  await forgetViolations()
  expect(violations).toEqual([])
})
afterAll(() => stage?.close())

async function newDevice(): Promise<{ thingName: string; csr: string }> {
  devices += 1
  const thingName = `swept-${devices}`
  await stage.allow(thingName)
  return { thingName, csr: (await makeDeviceKey(thingName)).csr }
}

async function provisioned(thingName: string, csr?: string, address = addresses.dublin) {
  const answer = await edge.post(signedRequest(stage, thingName, csr), address)
  expect(answer.status).toBe(200)
  const record = await stage.row(thingName)
  if (record?.certificateId === undefined) throw new Error(`${thingName} has no certificate`)
  return record as typeof record & { certificateId: string; region: string }
}

async function put(item: Record<string, string>): Promise<void> {
  const Item = Object.fromEntries(Object.entries(item).map(([name, S]) => [name, { S }]))
  await stage.dynamoDb.send(new PutItemCommand({ TableName, Item }))
}

async function setAttribute(thingName: string, name: string, value: string): Promise<void> {
  await stage.dynamoDb.send(
    new UpdateItemCommand({
      TableName,
      Key: { thing_name: { S: thingName } },
      UpdateExpression: 'SET #name = :value',
      ExpressionAttributeNames: { '#name': name },
      ExpressionAttributeValues: { ':value': { S: value } },
    }),
  )
}

/** Ids of all certificates that stand, attached or not. */
async function standing(): Promise<string[]> {
  const { things, unattached } = await stage.identities()
  return [...Object.values(things).flat(), ...unattached].map((it) => it.certificateId)
}

const of = (report: SweepReport, key: 'destroyed' | 'repaired' | 'reported') =>
  [...report.regions.flatMap((it): { why: string; thingName?: string }[] => it[key])]
    .concat(key === 'destroyed' ? [] : report[key])
    .map(({ why, thingName }) => (thingName === undefined ? why : `${why} ${thingName}`))
    .sort()

async function markOf(region: string) {
  const get = new GetItemCommand({
    TableName: 'iot-global-control',
    Key: { kind: { S: 'sweep' }, name: { S: region } },
  })
  return (await stage.dynamoDb.send(get)).Item
}

/** As if so much time had passed that the next sweep neither lists nor remembers what stands now. */
async function forgetPending(region: string): Promise<void> {
  const reached_at = { S: new Date(Date.now() - 1000).toISOString() }
  const Item = { ...(await markOf(region)), reached_at, pending: { L: [] } }
  await stage.dynamoDb.send(new PutItemCommand({ TableName: 'iot-global-control', Item }))
}

async function forgetViolations(): Promise<void> {
  await fetch(`${stage.aws.controlUrl}/violations`, { method: 'DELETE' })
}

const otherPolicy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }],
})

const writes = async () =>
  (await stage.calls()).filter(
    ({ operation }) => !/^(List|Describe|Get|Scan|Query|AssumeRole)/.test(operation),
  )

describe('a stray of a lost answer', () => {
  const lose = async (operation: string) =>
    stage.fault({ kind: 'lost', operation, region: 'eu-west-1', times: 1 })

  it('is destroyed once its key has another certificate', async () => {
    const { thingName, csr } = await newDevice()
    await lose('CreateCertificateFromCsr')
    expect((await edge.post(signedRequest(stage, thingName, csr))).status).toBe(503)
    const before = await standing()
    const record = await provisioned(thingName, csr)
    expect(await standing()).toHaveLength(before.length + 1)
    const report = await sweepStage(stage)
    expect(of(report, 'destroyed')).toEqual([`same-key ${thingName}`])
    expect(await standing()).toContain(record.certificateId)
    expect(await standing()).toHaveLength(before.length)
  })

  it('is only reported while nothing tells whose it is, and remembered until something does', async () => {
    const { thingName, csr } = await newDevice()
    await lose('CreateCertificateFromCsr')
    await edge.post(signedRequest(stage, thingName, csr))
    const report = await sweepStage(stage)
    expect([of(report, 'destroyed'), of(report, 'reported')]).toEqual([[], ['unknown']])
    await provisioned(thingName, csr)
    // Past what the mark's overlap would list again.
    await stage.dynamoDb.send(
      new UpdateItemCommand({
        TableName: 'iot-global-control',
        Key: { kind: { S: 'sweep' }, name: { S: 'eu-west-1' } },
        UpdateExpression: 'SET reached_at = :future',
        ExpressionAttributeValues: { ':future': { S: new Date(Date.now() + 1000).toISOString() } },
      }),
    )
    expect(of(await sweepStage(stage), 'destroyed')).toEqual([`same-key ${thingName}`])
  })

  it('with a key made by AWS IoT is destroyed in a dedicated region, reported elsewhere', async () => {
    const { thingName } = await newDevice()
    await lose('CreateKeysAndCertificate')
    await edge.post(signedRequest(stage, thingName))
    const before = await standing()
    const elsewhere = await sweepStage(stage, { dedicatedRegions: ['us-east-1'] })
    expect([of(elsewhere, 'destroyed'), of(elsewhere, 'reported')]).toEqual([[], ['unknown']])
    const report = await sweepStage(stage, { dedicatedRegions: ['eu-west-1'] })
    expect(of(report, 'destroyed')).toEqual(['unattached'])
    expect(await standing()).toHaveLength(before.length - 1)
  })

  it('is left alone while it is young', async () => {
    const { thingName } = await newDevice()
    await lose('CreateKeysAndCertificate')
    await edge.post(signedRequest(stage, thingName))
    const dedicatedRegions = ['eu-west-1']
    const young = await sweepStage(stage, { dedicatedRegions, olderThanSeconds: 60 })
    expect([of(young, 'destroyed'), of(young, 'reported')]).toEqual([[], []])
    expect(of(await sweepStage(stage, { dedicatedRegions }), 'destroyed')).toEqual(['unattached'])
  })

  it('is left alone where the allow-list is empty, as the wrong one is', async () => {
    const { thingName } = await newDevice()
    await lose('CreateKeysAndCertificate')
    await edge.post(signedRequest(stage, thingName))
    const dedicatedRegions = ['eu-west-1', 'us-east-1']
    const empty = { allowList: 'empty', control: 'iot-global-control' }
    await createTables(stage.dynamoDb, empty)
    const allowListTable = empty.allowList
    const report = await sweepStage(stage, {
      dedicatedRegions,
      allowListTable,
      since: 'everything',
    })
    expect(of(report, 'destroyed')).toEqual([])
  })
})

describe('a superseded certificate', () => {
  it('is cleaned up and forgotten', async () => {
    const { thingName, csr } = await newDevice()
    const old = await provisioned(thingName, csr)
    await setAttribute(thingName, 'prov_status', 'unprovisioned')
    const record = await provisioned(thingName, csr, addresses.newYork)
    expect(record.superseded).toHaveLength(1)
    const report = await sweepStage(stage)
    expect(of(report, 'destroyed')).toEqual([`superseded ${thingName}`])
    expect(of(report, 'repaired')).toContain(`forgotten ${thingName}`)
    expect(await stage.row(thingName)).toMatchObject({
      superseded: [],
      attachedAt: expect.any(Number),
    })
    const { things } = await stage.identities()
    expect(things[thingName]).toMatchObject([{ certificateId: record.certificateId }])
    expect(await standing()).not.toContain(old.certificateId)
  })

  it('of a blocked device goes too', async () => {
    const { thingName, csr } = await newDevice()
    const record = await provisioned(thingName, csr)
    await setAttribute(thingName, 'prov_status', 'blocked')
    const dry = await sweepStage(stage, { dryRun: true })
    expect(of(dry, 'destroyed')).toEqual([`superseded ${thingName}`])
    expect(of(dry, 'repaired')).toContain(`blocked ${thingName}`)
    const report = await sweepStage(stage)
    expect(of(report, 'destroyed')).toEqual([`superseded ${thingName}`])
    expect(of(report, 'repaired')).toEqual([`blocked ${thingName}`, `forgotten ${thingName}`])
    expect(await standing()).not.toContain(record.certificateId)
    const blocked = await stage.row(thingName)
    expect(blocked).toMatchObject({ status: 'blocked', superseded: [] })
    expect(blocked).not.toHaveProperty('certificateId')
  })

  it('is not touched while another record uses it', async () => {
    const [user, lister] = [await newDevice(), await newDevice()]
    const used = await provisioned(user.thingName, user.csr)
    const entry = { M: { region: { S: used.region }, certificate_id: { S: used.certificateId } } }
    await stage.dynamoDb.send(
      new UpdateItemCommand({
        TableName,
        Key: { thing_name: { S: lister.thingName } },
        UpdateExpression: 'SET superseded = :list',
        ExpressionAttributeValues: { ':list': { L: [entry] } },
      }),
    )
    const report = await sweepStage(stage)
    expect(of(report, 'reported')).toEqual([`named-elsewhere ${lister.thingName}`])
    const { things } = await stage.identities()
    expect(things[user.thingName]).toMatchObject([{ status: 'ACTIVE' }])
    await put({ thing_name: lister.thingName, prov_status: 'unprovisioned' })
  })
})

describe('an attempt that nobody goes on with', () => {
  it('is ended once its lease has, and what it made goes', async () => {
    const { thingName, csr } = await newDevice()
    const leaseSeconds = 4
    const crashing = await stage.startEdge({ ...times, leaseSeconds })
    const commit = { operation: 'UpdateItem', region: 'eu-west-1', afterCalls: 1 }
    await stage.fault({ ...commit, kind: 'hang', times: 1 })
    const asking = crashing.post(signedRequest(stage, thingName, csr)).catch(() => {})
    await stage.faultFired('eu-west-1')
    await crashing.stop('SIGKILL')
    await asking
    const settings = { dedicatedRegions: ['eu-west-1'], leaseSeconds }
    const held = await sweepStage(stage, settings)
    expect([of(held, 'destroyed'), of(held, 'repaired')]).toEqual([[], []])
    await sleep(leaseSeconds * 1000)
    const report = await sweepStage(stage, settings)
    expect(of(report, 'repaired')).toEqual([`expired ${thingName}`])
    expect(of(report, 'destroyed')).toEqual(['unattached'])
    expect(await stage.row(thingName)).toMatchObject({ status: 'unprovisioned' })
    await provisioned(thingName, csr)
  })

  it('that was ended by the sweep can’t commit when it wakes', async () => {
    const { thingName, csr } = await newDevice()
    const slow = await stage.startEdge(times)
    await stage.fault({ kind: 'delay', operation: 'CreateThing', delayMs: 800, times: 1 })
    const asking = slow.post(signedRequest(stage, thingName, csr))
    const made = async () => (await stage.identities()).unattached.length
    await expect.poll(made, { interval: 10 }).toBe(1)
    slow.child.kill('SIGSTOP')
    await sleep(2100)
    const report = await sweepStage(stage, { dedicatedRegions: ['eu-west-1'] })
    expect(of(report, 'repaired')).toEqual([`expired ${thingName}`])
    expect(of(report, 'destroyed')).toEqual(['unattached'])
    slow.child.kill('SIGCONT')
    expect((await asking).status).toBe(503)
    expect((await stage.row(thingName))?.status).toBe('unprovisioned')
    const record = await provisioned(thingName, csr)
    const { things } = await stage.identities()
    expect(things[thingName]).toMatchObject([{ certificateId: record.certificateId }])
    await slow.stop()
  })
})

describe('a commit that was never confirmed', () => {
  it.each([
    ['policy', 'AttachPolicy'],
    ['thing', 'AttachThingPrincipal'],
  ])('gets its %s from the sweep', async (_, operation) => {
    const { thingName, csr } = await newDevice()
    await stage.fault({ kind: 'error-before', operation, times: null })
    expect((await edge.post(signedRequest(stage, thingName, csr))).status).toBe(503)
    await stage.clearFaults()
    const early = await sweepStage(stage)
    expect([of(early, 'repaired'), of(early, 'destroyed')]).toEqual([[], []])
    await sleep(2000)
    const report = await sweepStage(stage)
    expect(of(report, 'repaired')).toEqual([`attached ${thingName}`])
    const record = await stage.row(thingName)
    expect(record?.attachedAt).toBeGreaterThan(0)
    const { things } = await stage.identities()
    expect(things[thingName]).toEqual([
      expect.objectContaining({
        certificateId: record?.certificateId,
        status: 'ACTIVE',
        policies: ['LandfallDevice'],
      }),
    ])
    expect(of(await sweepStage(stage), 'repaired')).toEqual([])
  })
})

describe('a row that a hand overwrote', () => {
  it('has its forgotten certificate destroyed once the device has another, wherever that is', async () => {
    const { thingName, csr } = await newDevice()
    const old = await provisioned(thingName, csr)
    await sweepStage(stage)
    await put({ thing_name: thingName, prov_status: 'unprovisioned' })
    const pending = await sweepStage(stage, { since: 'everything' })
    expect(of(pending, 'reported')).toEqual([`unrecorded ${thingName}`])
    // Of the instant at which both are live the hand is guilty, not the protocol.
    const record = await provisioned(thingName, csr, addresses.newYork)
    await forgetViolations()
    expect(record.region).not.toBe(old.region)
    // As long after: the old one is in no listing any more.
    await forgetPending('eu-west-1')
    const report = await sweepStage(stage)
    expect(of(report, 'destroyed')).toEqual([`replaced ${thingName}`])
    const { things } = await stage.identities()
    expect(things[thingName]).toMatchObject([{ certificateId: record.certificateId }])
  })

  it('as blocked has everything destroyed that hangs on the thing', async () => {
    const { thingName, csr } = await newDevice()
    const record = await provisioned(thingName, csr)
    await sweepStage(stage)
    await put({ thing_name: thingName, prov_status: 'blocked' })
    await forgetPending('eu-west-1')
    const report = await sweepStage(stage)
    expect(of(report, 'destroyed')).toEqual([`blocked ${thingName}`])
    expect(await standing()).not.toContain(record.certificateId)
  })

  it('as no record is reported, and nothing of its device is touched', async () => {
    const { thingName, csr } = await newDevice()
    const record = await provisioned(thingName, csr)
    await setAttribute(thingName, 'prov_status', 'provisoned')
    const dedicatedRegions = ['eu-west-1', 'us-east-1']
    const report = await sweepStage(stage, { dedicatedRegions, since: 'everything' })
    expect(of(report, 'destroyed')).toEqual([])
    expect(of(report, 'reported')).toContain(`unreadable-row ${thingName}`)
    expect(await standing()).toContain(record.certificateId)
    await setAttribute(thingName, 'prov_status', 'provisioned')
  })
})

describe('an absent row', () => {
  it('is reported, and evidence only where an operator says so', async () => {
    const { thingName, csr } = await newDevice()
    const record = await provisioned(thingName, csr)
    await stage.dynamoDb.send(
      new DeleteItemCommand({ TableName, Key: { thing_name: { S: thingName } } }),
    )
    const dedicatedRegions = ['eu-west-1', 'us-east-1']
    const careful = await sweepStage(stage, { dedicatedRegions, since: 'everything' })
    expect(of(careful, 'destroyed')).toEqual([])
    expect(of(careful, 'reported')).toEqual([`absent-row ${thingName}`])
    const told = await sweepStage(stage, { absentToo: true })
    expect(of(told, 'destroyed')).toEqual([`absent-row ${thingName}`])
    expect(await standing()).not.toContain(record.certificateId)
  })
})

describe('drift made by hand', () => {
  it('is reported, and never undone', async () => {
    const [off, bare, gone] = [await newDevice(), await newDevice(), await newDevice()]
    const inactive = await provisioned(off.thingName, off.csr)
    const detached = await provisioned(bare.thingName, bare.csr)
    const deleted = await provisioned(gone.thingName, gone.csr)
    await sweepStage(stage)
    const iot = stage.iot('eu-west-1')
    const deactivate = (certificateId: string) =>
      iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }))
    const arn = (id: string) => `arn:aws:iot:eu-west-1:${stage.aws.accountId}:cert/${id}`
    const detach = (id: string) =>
      iot.send(new DetachPolicyCommand({ policyName: 'LandfallDevice', target: arn(id) }))
    await deactivate(inactive.certificateId)
    await detach(detached.certificateId)
    await deactivate(deleted.certificateId)
    await iot.send(
      new DetachThingPrincipalCommand({
        thingName: gone.thingName,
        principal: arn(deleted.certificateId),
      }),
    )
    await detach(deleted.certificateId)
    await iot.send(new DeleteCertificateCommand({ certificateId: deleted.certificateId }))
    iot.destroy()
    // Commits of the last minutes may be newer than the listing, as far as clocks can tell.
    await setAttribute(gone.thingName, 'prov_datetime', '2026-01-01T00:00:00')
    const report = await sweepStage(stage, { since: 'everything', thorough: true })
    expect(of(report, 'reported')).toEqual([
      `detached ${bare.thingName}`,
      `gone ${gone.thingName}`,
      `inactive ${off.thingName}`,
    ])
    expect([of(report, 'destroyed'), of(report, 'repaired')]).toEqual([[], []])
    for (const { thingName } of [off, bare, gone])
      await setAttribute(thingName, 'prov_status', 'blocked')
  })
})

describe('what is not Landfall’s in a shared account', () => {
  it('is left alone and not even reported, but for what nobody could tell from a stray', async () => {
    const iot = stage.iot('us-east-1')
    const make = async () => {
      const { certificateId, certificateArn } = await iot.send(
        new CreateKeysAndCertificateCommand({ setAsActive: true }),
      )
      return { certificateId: certificateId ?? '', target: certificateArn ?? '' }
    }
    await iot.send(new CreatePolicyCommand({ policyName: 'Other', policyDocument: otherPolicy }))
    const [own, onThing, bare] = [await make(), await make(), await make()]
    for (const { target } of [own, onThing]) {
      await iot.send(new AttachPolicyCommand({ policyName: 'Other', target }))
    }
    await iot.send(new CreateThingCommand({ thingName: 'not-ours' }))
    await iot.send(
      new AttachThingPrincipalCommand({ thingName: 'not-ours', principal: onThing.target }),
    )
    const report = await sweepStage(stage)
    expect([of(report, 'destroyed'), of(report, 'reported')]).toEqual([[], ['unknown']])
    for (const { certificateId } of [own, onThing, bare]) {
      expect(await standing()).toContain(certificateId)
    }
    iot.destroy()
  })
})

describe('a sweep', () => {
  it('changes nothing in a dry run, but says what it would do', async () => {
    const { thingName, csr } = await newDevice()
    await provisioned(thingName, csr)
    await setAttribute(thingName, 'prov_status', 'unprovisioned')
    await provisioned(thingName, csr)
    const mark = await markOf('eu-west-1')
    await stage.clearCalls()
    const report = await sweepStage(stage, { dryRun: true })
    expect(of(report, 'destroyed')).toEqual([`superseded ${thingName}`])
    expect(await writes()).toEqual([])
    expect(await markOf('eu-west-1')).toEqual(mark)
  })

  it('destroys no more than it may, and says so', async () => {
    const pair = [await newDevice(), await newDevice()]
    for (const { thingName, csr } of pair) {
      await provisioned(thingName, csr)
      await setAttribute(thingName, 'prov_status', 'blocked')
    }
    const first = await sweepStage(stage, { maxDestroy: 1 })
    expect([first.capped, of(first, 'destroyed')]).toEqual([
      true,
      [expect.stringMatching(/^superseded/)],
    ])
    const second = await sweepStage(stage, { maxDestroy: 1 })
    expect([second.capped, of(second, 'destroyed')]).toEqual([
      false,
      [expect.stringMatching(/^superseded/)],
    ])
  })

  it('goes on in the other regions where one fails, and does the rest the next time', async () => {
    const [here, there] = [await newDevice(), await newDevice()]
    await provisioned(here.thingName, here.csr)
    await provisioned(there.thingName, there.csr, addresses.newYork)
    for (const { thingName } of [here, there])
      await setAttribute(thingName, 'prov_status', 'blocked')
    await stage.fault({ kind: 'error-before', service: 'iot', region: 'us-east-1', times: null })
    const mark = await markOf('us-east-1')
    const report = await sweepStage(stage)
    expect(of(report, 'destroyed')).toEqual([`superseded ${here.thingName}`])
    expect(report.regions.map((it) => it.failures.length > 0)).toEqual([false, true])
    expect(await markOf('us-east-1')).toEqual(mark)
    await stage.clearFaults()
    expect(of(await sweepStage(stage), 'destroyed')).toEqual([`superseded ${there.thingName}`])
  })

  it('harms no attempt that it meets', async () => {
    const met = await Promise.all(Array.from({ length: 6 }, newDevice))
    await stage.fault({ kind: 'delay', service: 'iot', delayMs: 100, times: 40 })
    const sweeping = new AbortController()
    const sweeps = (async () => {
      while (!sweeping.signal.aborted) {
        await sweepStage(stage, { dedicatedRegions: ['eu-west-1', 'us-east-1'] })
      }
    })()
    const answers = await Promise.all(
      met.map(async ({ thingName, csr }, at) => {
        await sleep(at * 100)
        return edge.post(signedRequest(stage, thingName, csr))
      }),
    )
    sweeping.abort()
    await sweeps
    expect(answers.map((it) => it.status)).toEqual(met.map(() => 200))
    const { things } = await stage.identities()
    for (const { thingName } of met) {
      const record = await stage.row(thingName)
      expect(things[thingName]).toMatchObject([
        { certificateId: record?.certificateId, status: 'ACTIVE', policies: ['LandfallDevice'] },
      ])
    }
  })

  it('may meet another one', async () => {
    const both = [await newDevice(), await newDevice()]
    for (const { thingName, csr } of both) {
      await provisioned(thingName, csr)
      await setAttribute(thingName, 'prov_status', 'blocked')
    }
    const reports = await Promise.all([sweepStage(stage), sweepStage(stage)])
    expect(reports.flatMap((it) => it.regions.flatMap((region) => region.failures))).toEqual([])
    for (const { thingName } of both) {
      expect(await stage.row(thingName)).toMatchObject({ status: 'blocked', superseded: [] })
      expect((await stage.identities()).things[thingName]).toBeUndefined()
    }
  })
})

describe.each([
  'UpdateCertificate',
  'DetachThingPrincipal',
  'DetachPolicy',
  'DeleteCertificate',
  'UpdateItem',
])('when %s', (operation) => {
  it.each([
    ['fails before its write', 'error-before', 1],
    ['fails after its write', 'error-after', 1],
    ['is performed and its answer lost', 'lost', 1],
    ['fails before its write to the end', 'error-before', null],
    ['fails after its write to the end', 'error-after', null],
    ['loses its answers to the end', 'lost', null],
  ])('%s, the next sweep settles it', async (_, kind, often) => {
    const { thingName, csr } = await newDevice()
    const old = await provisioned(thingName, csr)
    await setAttribute(thingName, 'prov_status', 'blocked')
    await stage.fault({ kind, operation, times: often })
    const first = await sweepStage(stage)
    await stage.clearFaults()
    const failed = first.failures.length > 0 || first.regions.some((it) => it.failures.length > 0)
    // Of what was performed, the SDK's next try learns that it is gone; a record tells by itself.
    const learns = ['DetachThingPrincipal', 'DeleteCertificate', 'UpdateItem'].includes(operation)
    expect(failed).toBe(often === null && (kind === 'error-before' || !learns))
    if (!failed) expect(await standing()).not.toContain(old.certificateId)
    await sweepStage(stage)
    expect(await standing()).not.toContain(old.certificateId)
    expect(await stage.row(thingName)).toMatchObject({ status: 'blocked', superseded: [] })
  })
})

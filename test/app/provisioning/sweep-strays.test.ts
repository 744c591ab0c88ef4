import { setTimeout as sleep } from 'node:timers/promises'
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { describe, expect, it } from 'vitest'
import { createTables } from '../../../app/allowlist/tables.ts'
import { signedRequest } from '../../stage.ts'
import { sweepStage } from '../../sweeping.ts'
import { of, times, useSweptFleet } from '../../use-swept-fleet.ts'

const { stage, edge, newDevice, provisioned, standing } = useSweptFleet()

describe('a stray of a lost answer', () => {
  const lose = async (operation: string) =>
    stage().fault({ kind: 'lost', operation, region: 'eu-west-1', times: 1 })

  it('is destroyed once its key has another certificate', async () => {
    const { thingName, csr } = await newDevice()
    await lose('CreateCertificateFromCsr')
    expect((await edge().post(signedRequest(stage(), thingName, csr))).status).toBe(503)
    const before = await standing()
    const record = await provisioned(thingName, csr)
    expect(await standing()).toHaveLength(before.length + 1)
    const report = await sweepStage(stage())
    expect(of(report, 'destroyed')).toEqual([`same-key ${thingName}`])
    expect(await standing()).toContain(record.certificateId)
    expect(await standing()).toHaveLength(before.length)
  })

  it('is only reported while nothing tells whose it is, and remembered until something does', async () => {
    const { thingName, csr } = await newDevice()
    await lose('CreateCertificateFromCsr')
    await edge().post(signedRequest(stage(), thingName, csr))
    const report = await sweepStage(stage())
    expect([of(report, 'destroyed'), of(report, 'reported')]).toEqual([[], ['unknown']])
    await provisioned(thingName, csr)
    // Past what the mark's overlap would list again.
    await stage().dynamoDb.send(
      new UpdateItemCommand({
        TableName: 'iot-global-control',
        Key: { kind: { S: 'sweep' }, name: { S: 'eu-west-1' } },
        UpdateExpression: 'SET reached_at = :future',
        ExpressionAttributeValues: { ':future': { S: new Date(Date.now() + 1000).toISOString() } },
      }),
    )
    expect(of(await sweepStage(stage()), 'destroyed')).toEqual([`same-key ${thingName}`])
  })

  it('with a key made by AWS IoT is destroyed in a dedicated region, reported elsewhere', async () => {
    const { thingName } = await newDevice()
    await lose('CreateKeysAndCertificate')
    await edge().post(signedRequest(stage(), thingName))
    const before = await standing()
    const elsewhere = await sweepStage(stage(), { dedicatedRegions: ['us-east-1'] })
    expect([of(elsewhere, 'destroyed'), of(elsewhere, 'reported')]).toEqual([[], ['unknown']])
    const report = await sweepStage(stage(), { dedicatedRegions: ['eu-west-1'] })
    expect(of(report, 'destroyed')).toEqual(['unattached'])
    expect(await standing()).toHaveLength(before.length - 1)
  })

  it('is left alone while it is young', async () => {
    const { thingName } = await newDevice()
    await lose('CreateKeysAndCertificate')
    await edge().post(signedRequest(stage(), thingName))
    const dedicatedRegions = ['eu-west-1']
    const young = await sweepStage(stage(), { dedicatedRegions, olderThanSeconds: 60 })
    expect([of(young, 'destroyed'), of(young, 'reported')]).toEqual([[], []])
    expect(of(await sweepStage(stage(), { dedicatedRegions }), 'destroyed')).toEqual(['unattached'])
  })

  it('is left alone where the allow-list is empty, as the wrong one is', async () => {
    const { thingName } = await newDevice()
    await lose('CreateKeysAndCertificate')
    await edge().post(signedRequest(stage(), thingName))
    const dedicatedRegions = ['eu-west-1', 'us-east-1']
    const empty = { allowList: 'empty', control: 'iot-global-control' }
    await createTables(stage().dynamoDb, empty)
    const allowListTable = empty.allowList
    const report = await sweepStage(stage(), {
      dedicatedRegions,
      allowListTable,
      since: 'everything',
    })
    expect(of(report, 'destroyed')).toEqual([])
  })
})

describe('an attempt that nobody goes on with', () => {
  it('is ended once its lease has, and what it made goes', async () => {
    const { thingName, csr } = await newDevice()
    const leaseSeconds = 4
    const crashing = await stage().startEdge({ ...times, leaseSeconds })
    const commit = { operation: 'UpdateItem', region: 'eu-west-1', afterCalls: 1 }
    await stage().fault({ ...commit, kind: 'hang', times: 1 })
    const asking = crashing.post(signedRequest(stage(), thingName, csr)).catch(() => {})
    await stage().faultFired('eu-west-1')
    await crashing.stop('SIGKILL')
    await asking
    const settings = { dedicatedRegions: ['eu-west-1'], leaseSeconds }
    const held = await sweepStage(stage(), settings)
    expect([of(held, 'destroyed'), of(held, 'repaired')]).toEqual([[], []])
    await sleep(leaseSeconds * 1000)
    const report = await sweepStage(stage(), settings)
    expect(of(report, 'repaired')).toEqual([`expired ${thingName}`])
    expect(of(report, 'destroyed')).toEqual(['unattached'])
    expect(await stage().row(thingName)).toMatchObject({ status: 'unprovisioned' })
    await provisioned(thingName, csr)
  })

  it('that was ended by the sweep can’t commit when it wakes', async () => {
    const { thingName, csr } = await newDevice()
    const slow = await stage().startEdge(times)
    await stage().fault({ kind: 'delay', operation: 'CreateThing', delayMs: 800, times: 1 })
    const asking = slow.post(signedRequest(stage(), thingName, csr))
    const made = async () => (await stage().identities()).unattached.length
    await expect.poll(made, { interval: 10 }).toBe(1)
    slow.child.kill('SIGSTOP')
    await sleep(2100)
    const report = await sweepStage(stage(), { dedicatedRegions: ['eu-west-1'] })
    expect(of(report, 'repaired')).toEqual([`expired ${thingName}`])
    expect(of(report, 'destroyed')).toEqual(['unattached'])
    slow.child.kill('SIGCONT')
    expect((await asking).status).toBe(503)
    expect((await stage().row(thingName))?.status).toBe('unprovisioned')
    const record = await provisioned(thingName, csr)
    const { things } = await stage().identities()
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
    await stage().fault({ kind: 'error-before', operation, times: null })
    expect((await edge().post(signedRequest(stage(), thingName, csr))).status).toBe(503)
    await stage().clearFaults()
    // A sweep that takes the attempt for one that may still run, and one whose deadline it is past.
    const early = await sweepStage(stage(), { deadlineSeconds: 28, leaseSeconds: 60 })
    expect([of(early, 'repaired'), of(early, 'destroyed')]).toEqual([[], []])
    const report = await sweepStage(stage(), { deadlineSeconds: 0.001, leaseSeconds: 0.002 })
    expect(of(report, 'repaired')).toEqual([`attached ${thingName}`])
    const record = await stage().row(thingName)
    expect(record?.attachedAt).toBeGreaterThan(0)
    const { things } = await stage().identities()
    expect(things[thingName]).toEqual([
      expect.objectContaining({
        certificateId: record?.certificateId,
        status: 'ACTIVE',
        policies: ['LandfallDevice'],
      }),
    ])
    expect(of(await sweepStage(stage()), 'repaired')).toEqual([])
  })
})

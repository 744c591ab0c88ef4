import { DeleteItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
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
import { describe, expect, it } from 'vitest'
import { addresses, signedRequest } from '../../stage.ts'
import { sweepStage } from '../../sweeping.ts'
import { of, TableName, useSweptFleet } from '../../use-swept-fleet.ts'

const {
  stage,
  edge,
  newDevice,
  provisioned,
  put,
  setAttribute,
  standing,
  forgetPending,
  forgetViolations,
} = useSweptFleet()

const otherPolicy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }],
})

describe('a superseded certificate', () => {
  it('is cleaned up and forgotten', async () => {
    const { thingName, csr } = await newDevice()
    const old = await provisioned(thingName, csr)
    await setAttribute(thingName, 'prov_status', 'unprovisioned')
    const record = await provisioned(thingName, csr, addresses.newYork)
    expect(record.superseded).toHaveLength(1)
    const report = await sweepStage(stage())
    expect(of(report, 'destroyed')).toEqual([`superseded ${thingName}`])
    expect(of(report, 'repaired')).toContain(`forgotten ${thingName}`)
    expect(await stage().row(thingName)).toMatchObject({
      superseded: [],
      attachedAt: expect.any(Number),
    })
    const { things } = await stage().identities()
    expect(things[thingName]).toMatchObject([{ certificateId: record.certificateId }])
    expect(await standing()).not.toContain(old.certificateId)
  })

  it('of a blocked device goes too', async () => {
    const { thingName, csr } = await newDevice()
    const record = await provisioned(thingName, csr)
    await setAttribute(thingName, 'prov_status', 'blocked')
    const dry = await sweepStage(stage(), { dryRun: true })
    expect(of(dry, 'destroyed')).toEqual([`superseded ${thingName}`])
    expect(of(dry, 'repaired')).toContain(`blocked ${thingName}`)
    const report = await sweepStage(stage())
    expect(of(report, 'destroyed')).toEqual([`superseded ${thingName}`])
    expect(of(report, 'repaired')).toEqual([`blocked ${thingName}`, `forgotten ${thingName}`])
    expect(await standing()).not.toContain(record.certificateId)
    const blocked = await stage().row(thingName)
    expect(blocked).toMatchObject({ status: 'blocked', superseded: [] })
    expect(blocked).not.toHaveProperty('certificateId')
  })

  it('is not touched while another record uses it', async () => {
    const [user, lister] = [await newDevice(), await newDevice()]
    const used = await provisioned(user.thingName, user.csr)
    const entry = { M: { region: { S: used.region }, certificate_id: { S: used.certificateId } } }
    await stage().dynamoDb.send(
      new UpdateItemCommand({
        TableName,
        Key: { thing_name: { S: lister.thingName } },
        UpdateExpression: 'SET superseded = :list',
        ExpressionAttributeValues: { ':list': { L: [entry] } },
      }),
    )
    const report = await sweepStage(stage())
    expect(of(report, 'reported')).toEqual([`named-elsewhere ${lister.thingName}`])
    const { things } = await stage().identities()
    expect(things[user.thingName]).toMatchObject([{ status: 'ACTIVE' }])
    await put({ thing_name: lister.thingName, prov_status: 'unprovisioned' })
  })
})

describe('a row that a hand overwrote', () => {
  it('has its forgotten certificate destroyed once the device has another, wherever that is', async () => {
    const { thingName, csr } = await newDevice()
    const old = await provisioned(thingName, csr)
    await sweepStage(stage())
    await put({ thing_name: thingName, prov_status: 'unprovisioned' })
    const pending = await sweepStage(stage(), { since: 'everything' })
    expect(of(pending, 'reported')).toEqual([`unrecorded ${thingName}`])
    // Of the instant at which both are live the hand is guilty, not the protocol.
    const record = await provisioned(thingName, csr, addresses.newYork)
    await forgetViolations()
    expect(record.region).not.toBe(old.region)
    // As long after: the old one is in no listing any more.
    await forgetPending('eu-west-1')
    const report = await sweepStage(stage())
    expect(of(report, 'destroyed')).toEqual([`replaced ${thingName}`])
    const { things } = await stage().identities()
    expect(things[thingName]).toMatchObject([{ certificateId: record.certificateId }])
  })

  it('as blocked has everything destroyed that hangs on the thing', async () => {
    const { thingName, csr } = await newDevice()
    const record = await provisioned(thingName, csr)
    await sweepStage(stage())
    await put({ thing_name: thingName, prov_status: 'blocked' })
    await forgetPending('eu-west-1')
    const report = await sweepStage(stage())
    expect(of(report, 'destroyed')).toEqual([`blocked ${thingName}`])
    expect(await standing()).not.toContain(record.certificateId)
  })

  it('as no record is reported, and nothing of its device is touched', async () => {
    const { thingName, csr } = await newDevice()
    const record = await provisioned(thingName, csr)
    await setAttribute(thingName, 'prov_status', 'provisoned')
    const dedicatedRegions = ['eu-west-1', 'us-east-1']
    const report = await sweepStage(stage(), { dedicatedRegions, since: 'everything' })
    expect(of(report, 'destroyed')).toEqual([])
    expect(of(report, 'reported')).toContain(`unreadable-row ${thingName}`)
    expect(await standing()).toContain(record.certificateId)
    await setAttribute(thingName, 'prov_status', 'provisioned')
  })
})

describe('a certificate that hangs on the wrong thing', () => {
  it('is kept while the record of another device names it', async () => {
    const [owner, wrong] = [await newDevice(), await newDevice()]
    await provisioned(wrong.thingName, wrong.csr)
    await stage().fault({ kind: 'error-before', operation: 'AttachThingPrincipal', times: null })
    await edge().post(signedRequest(stage(), owner.thingName, owner.csr))
    await stage().clearFaults()
    const { certificateId = '' } = (await stage().row(owner.thingName)) ?? {}
    const iot = stage().iot('eu-west-1')
    const principal = `arn:aws:iot:eu-west-1:${stage().aws.accountId}:cert/${certificateId}`
    await iot.send(new AttachThingPrincipalCommand({ thingName: wrong.thingName, principal }))
    await forgetViolations()
    const report = await sweepStage(stage())
    expect(of(report, 'destroyed')).toEqual([])
    expect(await standing()).toContain(certificateId)
    await iot.send(new DetachThingPrincipalCommand({ thingName: wrong.thingName, principal }))
    iot.destroy()
  })
})

describe('an absent row', () => {
  it('is reported, and evidence only where an operator says so', async () => {
    const { thingName, csr } = await newDevice()
    const record = await provisioned(thingName, csr)
    await stage().dynamoDb.send(
      new DeleteItemCommand({ TableName, Key: { thing_name: { S: thingName } } }),
    )
    const dedicatedRegions = ['eu-west-1', 'us-east-1']
    const careful = await sweepStage(stage(), { dedicatedRegions, since: 'everything' })
    expect(of(careful, 'destroyed')).toEqual([])
    expect(of(careful, 'reported')).toEqual([`absent-row ${thingName}`])
    const told = await sweepStage(stage(), { absentToo: true })
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
    await sweepStage(stage())
    const iot = stage().iot('eu-west-1')
    const deactivate = (certificateId: string) =>
      iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }))
    const arn = (id: string) => `arn:aws:iot:eu-west-1:${stage().aws.accountId}:cert/${id}`
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
    const report = await sweepStage(stage(), { since: 'everything', thorough: true })
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
    const iot = stage().iot('us-east-1')
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
    const report = await sweepStage(stage())
    expect([of(report, 'destroyed'), of(report, 'reported')]).toEqual([[], ['unknown']])
    for (const { certificateId } of [own, onThing, bare]) {
      expect(await standing()).toContain(certificateId)
    }
    iot.destroy()
  })
})

import {
  AddThingToThingGroupCommand,
  AttachPolicyCommand,
  CreateCertificateFromCsrCommand,
  CreateThingGroupCommand,
  DetachPolicyCommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot'
import { describe, expect, it } from 'vitest'
import { createIot } from '../../../local/iot/iot.ts'
import { newKeyAndCsr } from './device.ts'
import { accountId, clientOf } from './in-process.ts'
import {
  addressOf,
  america,
  closed,
  connect,
  control,
  europe,
  logged,
  newDevice,
  nextMessage,
  policyName,
  regions,
  useBrokers,
  why,
} from './use-brokers.ts'

useBrokers()

describe('connecting', () => {
  it('lets a device in and carries its messages', async () => {
    const device = await newDevice('site:pump-1')
    const client = await connect(device)
    const granted = await client.subscribeAsync('data/site:pump-1/#', { qos: 1 })
    expect(granted[0]?.qos).toBe(1)
    const message = nextMessage(client)
    await client.publishAsync('data/site:pump-1/t', '21.5', { qos: 1 })
    expect(await message).toEqual({ topic: 'data/site:pump-1/t', text: '21.5' })
  })

  it("refuses another Region's certificate", async () => {
    const device = await newDevice('abroad')
    await expect(connect(device, { region: america })).rejects.toMatchObject({ code: 5 })
    expect(why(device)).toBe('the certificate is not registered in us-east-1')
  })

  it("refuses another thing's client id", async () => {
    await newDevice('victim')
    const device = await newDevice('intruder')
    await expect(connect(device, { clientId: 'victim' })).rejects.toMatchObject({ code: 5 })
    expect(why(device)).toBe('iot:Connect on victim: no policy allows it')
  })

  it('refuses a certificate without policy or thing', async () => {
    const device = await newDevice('bare')
    const client = control(europe)
    await client.send(new DetachPolicyCommand({ policyName, target: device.arn }))
    await expect(connect(device)).rejects.toMatchObject({ code: 5 })
  })

  it('refuses a client without a certificate, and an old TLS', async () => {
    const device = await newDevice('nobody')
    await expect(connect(device, { anonymous: true })).rejects.toThrow()
    await expect(connect(device, { maxVersion: 'TLSv1.1' })).rejects.toThrow()
    expect(logged('TLS:')).toBe(true)
  })

  it("refuses another authority's certificate", async () => {
    const device = await newDevice('forged')
    const other = await createIot({ accountId, regions, endpointAddress: addressOf })
    const { key, csr } = await newKeyAndCsr()
    const { certificatePem: cert = '' } = await clientOf(other.service, europe).send(
      new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr, setAsActive: true }),
    )
    await other.close()
    await expect(connect({ ...device, key, cert })).rejects.toThrow()
  })

  it('refuses an inactive certificate at once and drops its connection after the delay', async () => {
    const device = await newDevice('stopped')
    const client = await connect(device)
    const dropped = closed(client)
    const started = performance.now()
    await control(europe).send(
      new UpdateCertificateCommand({ certificateId: device.certificateId, newStatus: 'INACTIVE' }),
    )
    await expect(connect(device)).rejects.toMatchObject({ code: 5 })
    expect(why(device)).toBe('the certificate is INACTIVE')
    expect(client.connected).toBe(true)
    await dropped
    expect(performance.now() - started).toBeGreaterThan(190)
  })

  it('answers MQTT 5 with an unacceptable protocol version', async () => {
    const device = await newDevice('modern')
    await expect(connect(device, { protocolVersion: 5 })).rejects.toMatchObject({ code: 1 })
  })

  it('hands the session over to the newest connection of a client id', async () => {
    const device = await newDevice('twice')
    const first = await connect(device)
    const taken = closed(first)
    const second = await connect(device)
    await taken
    expect(second.connected).toBe(true)
  })

  it('counts the policies of the groups a thing is in', async () => {
    const client = control(europe)
    const device = await newDevice('member')
    await client.send(new DetachPolicyCommand({ policyName, target: device.arn }))
    await expect(connect(device)).rejects.toMatchObject({ code: 5 })
    const { thingGroupArn: target = '' } = await client.send(
      new CreateThingGroupCommand({ thingGroupName: 'fleet' }),
    )
    await client.send(new AttachPolicyCommand({ policyName, target }))
    await client.send(
      new AddThingToThingGroupCommand({ thingGroupName: 'fleet', thingName: 'member' }),
    )
    await connect(device)
  })
})

describe('listening', () => {
  it('rejects when an address is taken, and leaves nothing bound', async () => {
    const reversed = await createIot({
      accountId,
      regions: ['eu-west-1', 'us-east-1'],
      endpointAddress: (region) => (region === europe ? '127.201.1.1' : addressOf(america)),
    })
    await expect(reversed.startBrokers()).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await expect(reversed.startBrokers()).rejects.toMatchObject({ code: 'EADDRINUSE' })
    const free = await createIot({
      accountId,
      regions: [europe],
      endpointAddress: () => '127.201.1.1',
    })
    await free.startBrokers()
    await Promise.all([reversed.close(), free.close()])
  })
})

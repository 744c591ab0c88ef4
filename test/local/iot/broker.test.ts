import {
  AddThingToThingGroupCommand,
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  CreateThingGroupCommand,
  DetachPolicyCommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BrokerLogEntry } from '../../../local/iot/broker.ts'
import { createIot, type Iot } from '../../../local/iot/iot.ts'
import { newKeyAndCsr } from './device.ts'
import { devicePolicy } from './device-policy.ts'
import { accountId, clientOf } from './in-process.ts'

const regions = ['eu-west-1', 'us-east-1']
const [europe = '', america = ''] = regions
const policyName = 'device'

let iot: Iot
let instance = 60
const log: BrokerLogEntry[] = []

/** Other tests and programs may hold the first addresses. */
async function startSomewhere(started: Iot): Promise<void> {
  for (; instance < 200; instance++) {
    try {
      return await started.startBrokers()
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    }
  }
}

const addressOf = (region: string) => `127.${instance}.${regions.indexOf(region) + 1}.1`

beforeAll(async () => {
  iot = await createIot({
    accountId,
    regions,
    endpointAddress: addressOf,
    dropDelaySeconds: 0.2,
    log: (entry) => log.push(entry),
  })
  await startSomewhere(iot)
  for (const region of regions) {
    await clientOf(iot.service, region).send(
      new CreatePolicyCommand({ policyName, policyDocument: devicePolicy(region, accountId) }),
    )
  }
})

afterAll(() => iot.close())

type Device = { region: string; thingName: string; certificateId: string; arn: string } & Identity
type Identity = { key: string; cert: string }

async function newDevice(thingName: string, region = europe): Promise<Device> {
  const client = clientOf(iot.service, region)
  const { key, csr } = await newKeyAndCsr()
  await client.send(new CreateThingCommand({ thingName }))
  const made = await client.send(
    new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr, setAsActive: true }),
  )
  const arn = made.certificateArn ?? ''
  await client.send(new AttachPolicyCommand({ policyName, target: arn }))
  await client.send(new AttachThingPrincipalCommand({ thingName, principal: arn }))
  const certificateId = made.certificateId ?? ''
  return { region, thingName, certificateId, arn, key, cert: made.certificatePem ?? '' }
}

const open: MqttClient[] = []

async function connect(
  device: Device,
  more: {
    clientId?: string
    region?: string
    protocolVersion?: 4 | 5
    will?: { topic: string; payload: string; qos: 0 | 1 | 2 }
    anonymous?: boolean
    clean?: boolean
    maxVersion?: 'TLSv1.1' | 'TLSv1.2'
  } = {},
): Promise<MqttClient> {
  const { clientId = device.thingName, region = device.region, anonymous = false, ...rest } = more
  const client = await connectAsync(
    `mqtts://${addressOf(region)}:8883`,
    {
      clientId,
      ca: iot.caPem,
      ...(anonymous ? {} : { key: device.key, cert: device.cert }),
      reconnectPeriod: 0,
      connectTimeout: 5000,
      protocolVersion: 4,
      clean: true,
      ...rest,
      ...(rest.will === undefined ? {} : { will: { ...rest.will, retain: false } }),
    },
    false,
  )
  client.on('error', () => {})
  open.push(client)
  return client
}

afterAll(() => Promise.all(open.map((client) => client.endAsync(true))))

function closed(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once('close', () => resolve()))
}

function nextMessage(client: MqttClient): Promise<{ topic: string; text: string }> {
  return new Promise((resolve) =>
    client.once('message', (topic, payload) => resolve({ topic, text: payload.toString() })),
  )
}

/** A broker that answers a ping has handled everything sent before it. */
async function settled(client: MqttClient, topic: string): Promise<void> {
  const arrived = nextMessage(client)
  await client.publishAsync(topic, 'settled', { qos: 1 })
  await arrived
}

const why = (device: Device) =>
  log.filter((entry) => entry.certificateId === device.certificateId).at(-1)?.reason

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
    const client = clientOf(iot.service, europe)
    await client.send(new DetachPolicyCommand({ policyName, target: device.arn }))
    await expect(connect(device)).rejects.toMatchObject({ code: 5 })
  })

  it('refuses a client without a certificate, and an old TLS', async () => {
    const device = await newDevice('nobody')
    await expect(connect(device, { anonymous: true })).rejects.toThrow()
    await expect(connect(device, { maxVersion: 'TLSv1.1' })).rejects.toThrow()
    expect(log.some(({ reason }) => reason.startsWith('TLS:'))).toBe(true)
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
    await clientOf(iot.service, europe).send(
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
    const client = clientOf(iot.service, europe)
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

describe('topics', () => {
  it.each([
    ['an ungranted topic', 'data/other/t', { qos: 1 }, 'no policy allows it'],
    ['the root of the granted ones', 'data/talker', { qos: 0 }, 'no policy allows it'],
    ['QoS 2', 'data/talker/t', { qos: 2 }, 'no QoS 2'],
    ['an ungranted retained message', 'data/talker/t', { qos: 0, retain: true }, 'RetainPublish'],
    ['a shadow', '$aws/things/talker/shadow/update', { qos: 0 }, 'topics that begin with $'],
    ['nine levels', 'data/talker/1/2/3/4/5/6/7', { qos: 0 }, 'over 7 slashes'],
  ] as const)('closes the connection of a publisher of %s', async (_, topic, options, reason) => {
    const device = await newDevice('talker')
    const client = await connect(device)
    const gone = closed(client)
    client.publish(topic, 'x', options, () => {})
    await gone
    expect(why(device)).toContain(reason)
  })

  it('closes the connection of a publisher of more than 128 KiB', async () => {
    const device = await newDevice('talker')
    const client = await connect(device)
    await client.publishAsync('data/talker/t', Buffer.alloc(128 * 1024), { qos: 1 })
    const gone = closed(client)
    client.publish('data/talker/t', Buffer.alloc(128 * 1024 + 1), () => {})
    await gone
    expect(why(device)).toBe('the payload is larger than 131072 bytes')
  })

  it('answers a failure to an ungranted filter, and grants the others', async () => {
    const device = await newDevice('reader')
    const client = await connect(device)
    const answer = await client
      .subscribeAsync({ 'data/other/#': { qos: 0 }, 'data/reader/#': { qos: 0 } })
      .catch((error) => error)
    expect(answer).toBeInstanceOf(Error)
    expect(why(device)).toBe('iot:Subscribe on data/other/#: no policy allows it')
    expect(client.connected).toBe(true)
    await settled(client, 'data/reader/t')
  })

  it.each([
    ['a shadow', '$aws/things/reader/shadow/#', 0, 'topics that begin with $'],
    ['a shared subscription', '$share/g/data/reader/#', 0, 'topics that begin with $'],
    ['QoS 2', 'data/reader/#', 2, 'no QoS 2'],
  ] as const)('closes the connection of a subscriber of %s', async (_, filter, qos, reason) => {
    const device = await newDevice('reader')
    const client = await connect(device)
    const gone = closed(client)
    client.subscribe(filter, { qos }, () => {})
    await gone
    expect(why(device)).toContain(reason)
  })

  it('delivers only what may be received', async () => {
    const control = clientOf(iot.service, europe)
    const arn = (kind: string) => `arn:aws:iot:${europe}:${accountId}:${kind}`
    await control.send(
      new CreatePolicyCommand({
        policyName: 'half-deaf',
        policyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            { Effect: 'Allow', Action: 'iot:*', Resource: '*' },
            { Effect: 'Deny', Action: 'iot:Receive', Resource: arn('topic/news/secret/*') },
          ],
        }),
      }),
    )
    const device = await newDevice('half-deaf')
    await control.send(new AttachPolicyCommand({ policyName: 'half-deaf', target: device.arn }))
    const client = await connect(device)
    await client.subscribeAsync('news/#', { qos: 1 })
    const heard: string[] = []
    client.on('message', (topic) => heard.push(topic))
    await client.publishAsync('news/secret/1', 'x', { qos: 1 })
    await settled(client, 'news/open')
    expect(heard).toEqual(['news/open'])
  })

  it('keeps Regions apart', async () => {
    const here = await newDevice('same-name', europe)
    const there = await newDevice('same-name', america)
    const listener = await connect(there)
    await listener.subscribeAsync('data/same-name/#')
    const heard: string[] = []
    listener.on('message', (_topic, payload) => heard.push(payload.toString()))
    const publisher = await connect(here)
    await publisher.publishAsync('data/same-name/t', 'from Europe', { qos: 1 })
    await settled(listener, 'data/same-name/t')
    expect(heard).toEqual(['settled'])
  })

  it('publishes the will of a connection that was cut off', async () => {
    const device = await newDevice('mortal')
    const control = clientOf(iot.service, europe)
    const policyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }],
    })
    await control.send(new CreatePolicyCommand({ policyName: 'witness', policyDocument }))
    const witness = await newDevice('witness')
    await control.send(new AttachPolicyCommand({ policyName: 'witness', target: witness.arn }))
    const listener = await connect(witness)
    await listener.subscribeAsync('data/mortal/#')
    const will = { topic: 'data/mortal/gone', payload: 'bye', qos: 0 as const }
    const client = await connect(device, { will })
    const heard = nextMessage(listener)
    client.stream.destroy()
    expect(await heard).toEqual({ topic: 'data/mortal/gone', text: 'bye' })
    await expect(connect(device, { will: { ...will, qos: 2 } })).rejects.toThrow()
  })

  it('keeps the session of a client that asks for it', async () => {
    const device = await newDevice('sleeper')
    const first = await connect(device, { clean: false })
    await first.subscribeAsync('data/sleeper/#', { qos: 1 })
    await first.endAsync()
    const second = await connect(device, { clean: false })
    await settled(second, 'data/sleeper/t')
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

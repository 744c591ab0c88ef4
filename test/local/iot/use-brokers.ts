import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreatePolicyCommand,
  CreateThingCommand,
} from '@aws-sdk/client-iot'
import { type MqttClient, connect as mqttConnect } from 'mqtt'
import { afterAll, beforeAll } from 'vitest'
import type { BrokerLogEntry } from '../../../local/iot/broker.ts'
import { createIot, type Iot } from '../../../local/iot/iot.ts'
import { newKeyAndCsr } from './device.ts'
import { devicePolicy } from './device-policy.ts'
import { accountId, clientOf } from './in-process.ts'

export const regions = ['eu-west-1', 'us-east-1']
export const [europe = '', america = ''] = regions
export const policyName = 'device'

let iot: Iot
let instance = 20
const log: BrokerLogEntry[] = []
const open: MqttClient[] = []

/** Other tests and programs may hold the first addresses. */
async function startSomewhere(started: Iot): Promise<void> {
  for (; instance < 200; instance++) {
    try {
      return await started.startBrokers()
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    }
  }
  throw new Error('no free addresses for the brokers')
}

export const addressOf = (region: string) => `127.${instance}.${regions.indexOf(region) + 1}.1`

/** Brokers of two Regions for the tests of one file. */
export function useBrokers(): void {
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
  afterAll(async () => {
    await Promise.all(open.map((client) => client.endAsync(true)))
    await iot.close()
  })
}

export const control = (region: string) => clientOf(iot.service, region)

/** Whether the brokers have logged such a reason. */
export const logged = (start: string) => log.some(({ reason }) => reason.startsWith(start))

export type Device = {
  region: string
  thingName: string
  certificateId: string
  arn: string
} & Identity
type Identity = { key: string; cert: string }

export async function newDevice(thingName: string, region = europe): Promise<Device> {
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

export async function connect(
  device: Device,
  more: {
    clientId?: string
    region?: string
    protocolVersion?: 4 | 5
    will?: { topic: string; payload: string; qos: 0 | 1 | 2 }
    anonymous?: boolean
    clean?: boolean
    maxVersion?: 'TLSv1.1' | 'TLSv1.2'
    /** Hears a lasting session's queue from its first message on. */
    onMessage?: (topic: string) => void
  } = {},
): Promise<MqttClient> {
  const {
    clientId = device.thingName,
    region = device.region,
    anonymous = false,
    onMessage,
    ...rest
  } = more
  const client = mqttConnect(`mqtts://${addressOf(region)}:8883`, {
    clientId,
    ca: iot.caPem,
    ...(anonymous ? {} : { key: device.key, cert: device.cert }),
    reconnectPeriod: 0,
    connectTimeout: 5000,
    protocolVersion: 4,
    clean: true,
    ...rest,
    ...(rest.will === undefined ? {} : { will: { ...rest.will, retain: false } }),
  })
  open.push(client)
  if (onMessage) client.on('message', onMessage)
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.once('error', reject)
    client.once('close', () => reject(new Error('closed before the connection was accepted')))
  })
  client.on('error', () => {})
  return client
}

export function closed(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once('close', () => resolve()))
}

export function nextMessage(client: MqttClient): Promise<{ topic: string; text: string }> {
  return new Promise((resolve) =>
    client.once('message', (topic, payload) => resolve({ topic, text: payload.toString() })),
  )
}

/** What was published before this arrives before this, if it arrives at all. */
export async function settled(client: MqttClient, topic: string): Promise<void> {
  const arrived = new Promise<void>((resolve) =>
    client.on('message', (on) => {
      if (on === topic) resolve()
    }),
  )
  await client.publishAsync(topic, 'settled', { qos: 1 })
  await arrived
}

/** Why the brokers last refused something to this device. */
export const why = (device: Device) =>
  log.filter((entry) => entry.certificateId === device.certificateId).at(-1)?.reason

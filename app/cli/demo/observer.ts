import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  type IoTClient,
} from '@aws-sdk/client-iot'
import { connectAsync } from 'mqtt'
import * as z from 'zod'
import { makeCsrPem, makeKeyPem } from '../device/own-key.ts'
import { CommandFailure, errorMessage } from '../failure.ts'

/** One thing a region: a name stands for one identity in all of them. */
const nameOf = (region: string) => `landfall-observer-${region}`

/** A subscriber in one region, which counts what devices publish there. */
export type Observer = {
  readonly region: string
  /** How many messages of this device came in, on its own topic and in its own name. */
  count(thing: string): number
  close(): Promise<void>
}

const messageSchema = z.object({ 'thing-name': z.string() })

/**
 * Makes the region's observing thing, with a certificate and a policy that lets it read
 * `data/#`, connects it by MQTT over mutual TLS and subscribes.
 */
export async function startObserver(options: {
  readonly region: string
  readonly accountId: string
  readonly endpointAddress: string
  readonly port: number
  readonly caPem: string
  /** With the operator's credentials. */
  readonly iot: IoTClient
}): Promise<Observer> {
  const { region } = options
  try {
    return await subscribe(options, await makeIdentity(options))
  } catch (error) {
    throw new CommandFailure(`no subscriber in ${region}: ${errorMessage(error)}`, { cause: error })
  }
}

type Identity = { readonly keyPem: string; readonly certificatePem: string }

async function makeIdentity(options: {
  readonly region: string
  readonly accountId: string
  readonly iot: IoTClient
}): Promise<Identity> {
  const { region, accountId, iot } = options
  const name = nameOf(region)
  const keyPem = makeKeyPem('ec')
  const arn = (resource: string) => `arn:aws:iot:${region}:${accountId}:${resource}`
  const allow = (Action: string, resource: string) => ({
    Effect: 'Allow',
    Action,
    Resource: arn(resource),
  })
  const policy = {
    Version: '2012-10-17',
    Statement: [
      allow('iot:Connect', `client/${name}`),
      allow('iot:Subscribe', 'topicfilter/data/#'),
      allow('iot:Receive', 'topic/data/*'),
    ],
  }
  const [certificate] = await Promise.all([
    iot.send(
      new CreateCertificateFromCsrCommand({
        certificateSigningRequest: await makeCsrPem(name, keyPem),
        setAsActive: true,
      }),
    ),
    iot.send(new CreateThingCommand({ thingName: name })),
    iot.send(new CreatePolicyCommand({ policyName: name, policyDocument: JSON.stringify(policy) })),
  ])
  const { certificateArn = '', certificatePem = '' } = certificate
  await Promise.all([
    iot.send(new AttachPolicyCommand({ policyName: name, target: certificateArn })),
    iot.send(new AttachThingPrincipalCommand({ thingName: name, principal: certificateArn })),
  ])
  return { keyPem, certificatePem }
}

async function subscribe(
  options: {
    readonly region: string
    readonly endpointAddress: string
    readonly port: number
    readonly caPem: string
  },
  identity: Identity,
): Promise<Observer> {
  const client = await connectAsync(
    `mqtts://${options.endpointAddress}:${options.port}`,
    {
      clientId: nameOf(options.region),
      clean: true,
      protocolVersion: 4,
      key: identity.keyPem,
      cert: identity.certificatePem,
      ca: options.caPem,
      reconnectPeriod: 0,
      connectTimeout: 10_000,
    },
    false,
  )
  const counts = new Map<string, number>()
  client.on('message', (topic, payload) => {
    const thing = /^data\/([^/]+)\/misc$/.exec(topic)?.[1]
    if (thing === undefined || senderOf(payload) !== thing) return
    counts.set(thing, (counts.get(thing) ?? 0) + 1)
  })
  await client.subscribeAsync('data/#', { qos: 1 })
  return {
    region: options.region,
    count: (thing) => counts.get(thing) ?? 0,
    close: async () => void (await client.endAsync(true)),
  }
}

function senderOf(payload: Buffer): string | undefined {
  try {
    return messageSchema.parse(JSON.parse(payload.toString('utf8')))['thing-name']
  } catch {
    return undefined
  }
}

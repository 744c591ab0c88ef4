import { AttachPolicyCommand, CreatePolicyCommand } from '@aws-sdk/client-iot'
import { describe, expect, it } from 'vitest'
import { accountId } from './in-process.ts'
import {
  america,
  closed,
  connect,
  control,
  europe,
  newDevice,
  nextMessage,
  settled,
  useBrokers,
  why,
} from './use-brokers.ts'

useBrokers()

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
    const iot = control(europe)
    const arn = (kind: string) => `arn:aws:iot:${europe}:${accountId}:${kind}`
    await iot.send(
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
    await iot.send(new AttachPolicyCommand({ policyName: 'half-deaf', target: device.arn }))
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
    const iot = control(europe)
    const policyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }],
    })
    await iot.send(new CreatePolicyCommand({ policyName: 'witness', policyDocument }))
    const witness = await newDevice('witness')
    await iot.send(new AttachPolicyCommand({ policyName: 'witness', target: witness.arn }))
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

  it('queues nothing for a filter that was refused beside a granted one', async () => {
    const iot = control(europe)
    const policyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: ['iot:Connect', 'iot:Publish', 'iot:Receive'], Resource: '*' },
        {
          Effect: 'Allow',
          Action: 'iot:Subscribe',
          Resource: `arn:aws:iot:${europe}:${accountId}:topicfilter/open/*`,
        },
      ],
    })
    await iot.send(new CreatePolicyCommand({ policyName: 'some-filters', policyDocument }))
    const devices = [await newDevice('queue-1'), await newDevice('queue-2')] as const
    for (const { arn: target } of devices) {
      await iot.send(new AttachPolicyCommand({ policyName: 'some-filters', target }))
    }
    const [sleeper, publisher] = devices
    const first = await connect(sleeper, { clean: false })
    await first
      .subscribeAsync({ 'open/#': { qos: 1 }, 'closed/#': { qos: 1 } })
      .catch((error) => expect(error).toBeInstanceOf(Error))
    await first.endAsync()
    const sender = await connect(publisher)
    for (const topic of ['closed/1', 'open/1']) await sender.publishAsync(topic, topic, { qos: 1 })
    const heard: string[] = []
    const second = await connect(sleeper, { clean: false, onMessage: (topic) => heard.push(topic) })
    await settled(second, 'open/2')
    expect(heard).toEqual(['open/1', 'open/2'])
  })
})

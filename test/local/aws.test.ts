import { type ChildProcess, spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import {
  CreateThingCommand,
  DescribeEndpointCommand,
  DescribeThingCommand,
  IoTClient,
} from '@aws-sdk/client-iot'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LocalAws, startLocalAws } from '../../local/aws.ts'
import { ownInstance } from './own-instance.ts'

const regions = ['eu-west-1', 'us-east-1']
const TableName = 'iot-global-provisioning'
const Item = { thing_name: { S: 'one' } }

let folder: string
let undo: (() => Promise<unknown> | unknown)[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'landfall-'))
  undo = [() => rmSync(folder, { recursive: true })]
})
afterEach(async () => {
  for (const step of undo.reverse()) await step()
})

type Options = Partial<Parameters<typeof startLocalAws>[0]>

/** For a folder that is opened again, and must find its addresses free. */
function startFirst(options: Options = {}) {
  return startLocalAws({ dataFolder: folder, regions, instance: ownInstance, ...options })
}

async function start(options: Options = {}) {
  const aws = await startLocalAws({ dataFolder: folder, regions, ...options })
  undo.push(() => aws.close())
  return aws
}

type Running = Pick<LocalAws, 'awsEndpointUrl' | 'operator' | 'edge'>

function settings(aws: Running, keys: LocalAws['operator'] = aws.operator, region = 'eu-west-1') {
  // A copy: the SDK writes its own notes into the credentials it is given.
  return { endpoint: aws.awsEndpointUrl, region, credentials: { ...keys }, maxAttempts: 1 }
}

async function write(aws: Running) {
  const dynamodb = new DynamoDBClient(settings(aws))
  await dynamodb.send(
    new CreateTableCommand({
      TableName,
      AttributeDefinitions: [{ AttributeName: 'thing_name', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'thing_name', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  )
  await waitUntilTableExists({ client: dynamodb, maxWaitTime: 20, minDelay: 1 }, { TableName })
  await dynamodb.send(new PutItemCommand({ TableName, Item }))
  await new IoTClient(settings(aws)).send(new CreateThingCommand({ thingName: 'one' }))
  const { Credentials } = await new STSClient(settings(aws, aws.edge)).send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${accountOf(aws)}:role/landfall-edge-eu-west-1`,
      RoleSessionName: 'edge',
    }),
  )
  return {
    accessKeyId: Credentials?.AccessKeyId ?? '',
    secretAccessKey: Credentials?.SecretAccessKey ?? '',
    sessionToken: Credentials?.SessionToken ?? '',
  }
}

function accountOf(aws: Running): string {
  return 'accountId' in aws && typeof aws.accountId === 'string' ? aws.accountId : ''
}

/** What was written before is there, and the session of before still counts. */
async function expectKept(aws: Running, session: Awaited<ReturnType<typeof write>>) {
  const dynamodb = new DynamoDBClient(settings(aws))
  const got = await dynamodb.send(new GetItemCommand({ TableName, Key: Item }))
  const iot = new IoTClient(settings(aws, session))
  const thing = await iot.send(new DescribeThingCommand({ thingName: 'one' }))
  expect(got.Item).toEqual(Item)
  expect(thing.thingName).toBe('one')
}

describe('AWS on one machine', () => {
  it('gives each region an endpoint address of its own, as DescribeEndpoint tells', async () => {
    const aws = await start()
    const addresses = aws.regions.map(({ endpointAddress }) => endpointAddress)
    expect(addresses).toEqual([`127.${aws.instance}.1.1`, `127.${aws.instance}.2.1`])
    for (const { region, endpointAddress, edgeRoleArn } of aws.regions) {
      const iot = new IoTClient(settings(aws, aws.operator, region))
      const asked = await iot.send(new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }))
      expect(asked.endpointAddress).toBe(endpointAddress)
      expect(edgeRoleArn).toBe(`arn:aws:iam::${aws.accountId}:role/landfall-edge-${region}`)
    }
    expect(readFileSync(aws.caFile ?? '', 'utf8')).toBe(aws.caPem)
    expect(new X509Certificate(aws.caPem).ca).toBe(true)
  })

  it('keeps things of one region out of another', async () => {
    const aws = await start()
    const thing = { thingName: 'here' }
    await new IoTClient(settings(aws)).send(new CreateThingCommand(thing))
    const elsewhere = new IoTClient(settings(aws, aws.operator, 'us-east-1'))
    await expect(elsewhere.send(new DescribeThingCommand(thing))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
  })

  it('throttles IoT at its default quota', async () => {
    const aws = await start()
    const iot = new IoTClient(settings(aws))
    const asked = new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' })
    const answers = await Promise.allSettled(Array.from({ length: 14 }, () => iot.send(asked)))
    const names = answers.map((each) => (each.status === 'rejected' ? each.reason.name : 'passed'))
    expect(names.filter((name) => name === 'passed').length).toBeLessThan(14)
    expect(names.filter((name) => name === 'passed').length).toBeGreaterThanOrEqual(10)
    expect(new Set(names)).toEqual(new Set(['passed', 'ThrottlingException']))
  })

  it('keeps addresses, keys, sessions and what was written over a restart', async () => {
    const first = await startFirst()
    const session = await write(first)
    const { close, ...before } = first
    await close()
    const { close: _, ...after } = await start()
    expect(after).toEqual(before)
    await expectKept(after, session)
  })

  it('gives a region the same address when others come and go', async () => {
    const first = await startFirst()
    await first.close()
    const second = await start({ regions: ['sa-east-1', 'us-east-1'] })
    const addresses = second.regions.map(({ endpointAddress }) => endpointAddress)
    expect(addresses).toEqual([`127.${first.instance}.3.1`, `127.${first.instance}.2.1`])
  })

  it('keeps nothing without a folder', async () => {
    const aws = await startLocalAws({ regions: ['eu-west-1'] })
    undo.push(() => aws.close())
    expect(aws.caFile).toBeUndefined()
    await write(aws)
  })

  it('keeps everything over a SIGKILL', async () => {
    const { child, aws } = await startProcess()
    const session = await write(aws)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const again = await start()
    expect(again.operator).toEqual(aws.operator)
    expect(again.awsEndpointUrl).toBe(aws.awsEndpointUrl)
    await expectKept(again, session)
  })
})

describe('beside others', () => {
  it('runs twice side by side, apart from each other', async () => {
    const one = await start()
    const two = await start({ dataFolder: join(folder, 'two') })
    expect(two.instance).not.toBe(one.instance)
    expect(two.awsEndpointUrl).not.toBe(one.awsEndpointUrl)
    expect(two.accountId).not.toBe(one.accountId)
    await new IoTClient(settings(one)).send(new CreateThingCommand({ thingName: 'mine' }))
    const asked = new DescribeThingCommand({ thingName: 'mine' })
    await expect(new IoTClient(settings(two)).send(asked)).rejects.toThrow()
    const foreign = new IoTClient(settings({ ...two, operator: one.operator }))
    await expect(foreign.send(asked)).rejects.toMatchObject({ name: 'UnrecognizedClientException' })
  })

  it('refuses a folder that is in use, and goes on', async () => {
    const aws = await start()
    await expect(start()).rejects.toMatchObject({ code: 'folder-in-use' })
    await write(aws)
  })

  it('refuses to change the address or the port that devices remember', async () => {
    const first = await startFirst()
    await first.close()
    const port = Number(new URL(first.awsEndpointUrl).port)
    const { endpointAddress = '', mqttPort = 0 } = first.regions[1] ?? {}
    for (const [host, taken, message] of [
      [endpointAddress, mqttPort, endpointAddress],
      ['127.0.0.1', port, `the port ${port} is in use`],
    ] as const) {
      const squatter = createServer().listen(taken, host)
      await once(squatter, 'listening')
      try {
        await expect(start()).rejects.toMatchObject({
          code: 'address-taken',
          message: expect.stringContaining(message),
          hint: expect.stringContaining('stop what uses it'),
        })
      } finally {
        squatter.close()
        await once(squatter, 'close')
      }
    }
    expect((await start()).awsEndpointUrl).toBe(first.awsEndpointUrl)
  })

  it.each([
    [{ regions: [] }, 'no regions'],
    [{ regions: ['eu-west-1', 'mars-1'] }, 'no AWS IoT Core in mars-1'],
    [{ regions: ['eu-west-1', 'eu-west-1'] }, 'a region twice'],
    [{ instance: 255 }, 'no instance: 255'],
    [{ port: 0 }, 'no port: 0'],
    [{ accountId: '12' }, 'no account id: 12'],
  ])('refuses %j', async (options, message) => {
    await expect(start(options)).rejects.toMatchObject({ code: 'bad-option', message })
  })

  it('refuses a folder of another account', async () => {
    const first = await startFirst({ accountId: '111122223333' })
    await first.close()
    expect(first.accountId).toBe('111122223333')
    const other = start({ accountId: '444455556666' })
    await expect(other).rejects.toMatchObject({ code: 'bad-option' })
  })
})

async function startProcess(): Promise<{ child: ChildProcess; aws: LocalAws }> {
  const script = join(import.meta.dirname, 'aws-process.ts')
  const child = spawn(process.execPath, [script, folder, String(ownInstance)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  undo.push(() => child.kill('SIGKILL'))
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, aws: JSON.parse(line) }
  }
  throw new Error('the process ended before it was ready')
}

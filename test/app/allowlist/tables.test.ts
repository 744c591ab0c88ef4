import { DescribeTableCommand, DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DynamoAllowList, dynamoAllowList } from '../../../app/allowlist/dynamo-allow-list.ts'
import { allowListIndexes } from '../../../app/allowlist/table-layout.ts'
import { createTables } from '../../../app/allowlist/tables.ts'
import type { DeviceEvent } from '../../../app/provisioning/device-event.ts'
import { allowedDevice, type DeviceRecord } from '../../../app/provisioning/device-record.ts'
import { transition } from '../../../app/provisioning/transition.ts'
import { type LocalAws, startLocalAws } from '../../../local/aws.ts'

const tables = { allowList: 'iot-global-provisioning', control: 'iot-global-control' }
const noon = Date.parse('2026-06-01T12:00:00Z')
const signal = AbortSignal.timeout(60_000)

let aws: LocalAws
let client: DynamoDBClient
let allowList: DynamoAllowList

beforeAll(async () => {
  aws = await startLocalAws({ regions: ['eu-west-1'] })
  client = new DynamoDBClient({
    endpoint: aws.awsEndpointUrl,
    credentials: aws.operator,
    region: 'eu-west-1',
  })
  await createTables(client, tables)
  allowList = dynamoAllowList({ client, table: tables.allowList })
  await allow('only-allowed', 'pump')
  await provision('first', 'eu-west-1', noon)
  await provision('third', 'us-east-1', noon + 2000, 'pump')
  await provision('second', 'eu-west-1', noon + 1000, 'pump')
  await claim(await allow('under-way'), 'us-east-1', noon + 3000)
})
afterAll(async () => {
  client?.destroy()
  await aws?.close()
})

async function allow(thingName: string, product?: string): Promise<DeviceRecord> {
  const record = allowedDevice(thingName, noon - 1000, product === undefined ? {} : { product })
  if (!(await allowList.add(record, signal))) throw new Error(`${thingName} is there already`)
  return record
}

async function advance(record: DeviceRecord, event: DeviceEvent, at: number) {
  const outcome = transition(record, event, at)
  if (outcome.type !== 'write') throw new Error(`${event.type} ended as ${outcome.type}`)
  const { saved } = await allowList.save(record, outcome.next, signal)
  if (!saved) throw new Error(`${record.thingName} was changed by somebody else`)
  return outcome.next
}

function claim(record: DeviceRecord, region: string, at: number): Promise<DeviceRecord> {
  const reprovisioning = { rule: 'refuse', redeliverSeconds: 0 } as const
  const target = { region, placement: { reason: 'nearest' } }
  const attemptId = `attempt-${record.thingName}`
  const ask = {
    type: 'ask',
    by: 'test',
    attemptId,
    target,
    leaseSeconds: 60,
    reprovisioning,
  } as const
  return advance(record, ask, at)
}

async function provision(thingName: string, region: string, at: number, product?: string) {
  const claimed = await claim(await allow(thingName, product), region, at - 500)
  const commit = {
    type: 'commit',
    by: 'test',
    attemptId: `attempt-${thingName}`,
    certificateId: `certificate-${thingName}`,
    certificatePem: 'PEM',
  } as const
  return await advance(claimed, commit, at)
}

/** Thing names by an index, the newest first, as operators ask for them. */
async function newest(index: keyof typeof allowListIndexes, value: string) {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: tables.allowList,
      IndexName: index,
      KeyConditionExpression: '#partition = :value',
      ExpressionAttributeNames: { '#partition': allowListIndexes[index].partition },
      ExpressionAttributeValues: { ':value': { S: value } },
      ScanIndexForward: false,
    }),
  )
  return Items
}

const namesOf = (items: Awaited<ReturnType<typeof newest>>) => items.map((it) => it.thing_name?.S)

describe('the tables', () => {
  it('have their keys and the three indexes, with what a list of devices shows', async () => {
    const describeTable = async (TableName: string) =>
      (await client.send(new DescribeTableCommand({ TableName }))).Table
    const keysOf = (schema: { AttributeName?: string | undefined }[] = []) =>
      schema.map((it) => it.AttributeName)
    const control = await describeTable(tables.control)
    expect(keysOf(control?.KeySchema)).toEqual(['kind', 'name'])
    expect(control?.GlobalSecondaryIndexes).toBeUndefined()
    const table = await describeTable(tables.allowList)
    expect(keysOf(table?.KeySchema)).toEqual(['thing_name'])
    const indexes = (table?.GlobalSecondaryIndexes ?? []).map((it) => [
      it.IndexName,
      ...keysOf(it.KeySchema),
      it.IndexStatus,
      it.Projection?.NonKeyAttributes?.toSorted(),
    ])
    expect(indexes.toSorted()).toEqual([
      [
        'by_product',
        'product',
        'prov_datetime',
        'ACTIVE',
        ['aws_region', 'certificate_id', 'prov_status'],
      ],
      [
        'by_region',
        'aws_region',
        'prov_datetime',
        'ACTIVE',
        ['certificate_id', 'product', 'prov_status'],
      ],
      [
        'by_status',
        'prov_status',
        'prov_datetime',
        'ACTIVE',
        ['aws_region', 'certificate_id', 'product'],
      ],
    ])
  })

  it('are left as they are where they stand already', async () => {
    await createTables(client, tables)
    expect(namesOf(await newest('by_status', 'provisioned'))).toHaveLength(3)
  })
})

describe('the indexes of the allow-list', () => {
  it('find provisioned devices by status, product and region, the newest first', async () => {
    expect(namesOf(await newest('by_status', 'provisioned'))).toEqual(['third', 'second', 'first'])
    expect(namesOf(await newest('by_product', 'pump'))).toEqual(['third', 'second'])
    expect(namesOf(await newest('by_region', 'eu-west-1'))).toEqual(['second', 'first'])
  })

  it('hold what a list of devices shows, and no certificate', async () => {
    const [item] = await newest('by_region', 'eu-west-1')
    expect(item).toEqual({
      thing_name: { S: 'second' },
      prov_status: { S: 'provisioned' },
      prov_datetime: { S: '2026-06-01T12:00:01' },
      product: { S: 'pump' },
      aws_region: { S: 'eu-west-1' },
      certificate_id: { S: 'certificate-second' },
    })
  })

  it('find a claimed device under provisioning, and under the default product', async () => {
    expect(namesOf(await newest('by_status', 'provisioning'))).toEqual(['under-way'])
    expect(namesOf(await newest('by_product', 'default'))).toEqual(['under-way', 'first'])
    expect(namesOf(await newest('by_region', 'us-east-1'))).toEqual(['under-way', 'third'])
  })

  it('are sparse: a device that only may ask is in none, nor is one that was released', async () => {
    const claimed = await claim(await allow('released', 'valve'), 'ap-south-1', noon)
    expect(namesOf(await newest('by_product', 'valve'))).toEqual(['released'])
    await advance(
      claimed,
      { type: 'release', by: 'test', attemptId: 'attempt-released' },
      noon + 1000,
    )
    expect(await newest('by_product', 'valve')).toEqual([])
    expect(await newest('by_region', 'ap-south-1')).toEqual([])
    expect(await newest('by_status', 'unprovisioned')).toEqual([])
    expect(namesOf(await newest('by_product', 'pump'))).not.toContain('only-allowed')
  })

  it('find a blocked device where it was, since it was blocked', async () => {
    const provisioned = await provision('blocked', 'sa-east-1', noon + 5000, 'sensor')
    await advance(provisioned, { type: 'block', by: 'test', attemptId: 'operator' }, noon + 9000)
    const [item] = await newest('by_region', 'sa-east-1')
    expect(item?.prov_datetime).toEqual({ S: '2026-06-01T12:00:09' })
    expect(namesOf(await newest('by_status', 'blocked'))).toEqual(['blocked'])
  })
})

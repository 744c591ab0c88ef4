import { afterEach, beforeEach, expect, it } from 'vitest'
import { createDynamoDb, type DynamoDb } from '../../local/dynamodb.ts'
import { createNamingRecords } from '../../local/naming-records.ts'

const TableName = 'iot-global-provisioning'
const idOf = (digit: number) => String(digit).repeat(64)

let dynamoDb: DynamoDb
beforeEach(async () => {
  dynamoDb = await createDynamoDb({ accountId: '123456789012' })
})
afterEach(() => dynamoDb.close())

async function createTable() {
  await dynamoDb.ask('CreateTable', {
    TableName,
    AttributeDefinitions: [{ AttributeName: 'thing_name', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'thing_name', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  })
  const described = () => dynamoDb.ask('DescribeTable', { TableName })
  await expect.poll(described).toMatchObject({ Table: { TableStatus: 'ACTIVE' } })
}

function put(thingName: string, attributes: object) {
  const Item = { thing_name: { S: thingName }, prov_status: { S: 'provisioned' }, ...attributes }
  return dynamoDb.ask('PutItem', { TableName, Item })
}

it('finds rows from before in a table of several pages', async () => {
  await createTable()
  const filler = { filler: { S: 'x'.repeat(390_000) } }
  for (let row = 1; row <= 6; row += 1) {
    await put(`t${row}`, { certificate_id: { S: idOf(row) }, rev: { N: String(row) }, ...filler })
  }
  const naming = createNamingRecords(dynamoDb.ask, true)
  for (let row = 1; row <= 6; row += 1) {
    expect(await naming.find(idOf(row))).toEqual([
      {
        thingName: `t${row}`,
        status: 'provisioned',
        rev: row,
        certificateId: idOf(row),
        region: null,
      },
    ])
  }
})

it('names nothing before there is a table, nor by attributes of another type', async () => {
  const naming = createNamingRecords(dynamoDb.ask, true)
  expect(await naming.find(idOf(1))).toEqual([])
  await createTable()
  await put('odd', { certificate_id: { N: '7' }, rev: { S: 'seven' } })
  const again = createNamingRecords(dynamoDb.ask, true)
  expect(await again.find(idOf(1))).toEqual([])
})

it('fails where DynamoDB does, and scans again at the next question', async () => {
  await createTable()
  await put('t', { certificate_id: { S: idOf(1) } })
  const failure = new Error('not now')
  const failures = [failure]
  const naming = createNamingRecords(async (operation, members) => {
    const failed = failures.pop()
    if (failed) throw failed
    return dynamoDb.ask(operation, members)
  }, true)
  await expect(naming.find(idOf(1))).rejects.toBe(failure)
  expect(await naming.find(idOf(1))).toMatchObject([{ thingName: 't' }])
})

import {
  CreateTableCommand,
  DescribeTableCommand,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createAllowList, type Machine, startMachine } from './machine.ts'
import { refusedAs } from './raw-request.ts'

const TableName = 'iot-global-provisioning'
const Key = { thing_name: { S: 'claimed' } }

let machine: Machine
beforeAll(async () => {
  machine = await startMachine()
  await createAllowList(machine.dynamodb(machine.operator))
})
afterAll(() => machine.close())

it('lets one of many conditional writers win', async () => {
  const client = machine.dynamodb(machine.edge)
  const claims = Array.from({ length: 12 }, (_, attempt) =>
    client.send(
      new UpdateItemCommand({
        TableName,
        Key,
        UpdateExpression: 'SET attempt_id = :attempt',
        ConditionExpression: 'attribute_not_exists(attempt_id)',
        ExpressionAttributeValues: { ':attempt': { N: String(attempt) } },
        ReturnValues: 'ALL_NEW',
      }),
    ),
  )
  const outcomes = await Promise.allSettled(claims)
  const won = outcomes.filter(({ status }) => status === 'fulfilled')
  const lost = outcomes.filter(
    (outcome) =>
      outcome.status === 'rejected' && outcome.reason.name === 'ConditionalCheckFailedException',
  )
  expect([won.length, lost.length]).toEqual([1, 11])
})

it('shows every region the same tables, under its own name and the account', async () => {
  const one = machine.dynamodb(machine.operator, 'eu-west-1')
  const two = machine.dynamodb(machine.operator, 'us-west-1')
  await one.send(new PutItemCommand({ TableName, Item: { thing_name: { S: 'shared' } } }))
  const scan = await two.send(new ScanCommand({ TableName, ConsistentRead: true }))
  const { Table } = await two.send(new DescribeTableCommand({ TableName }))
  expect(scan.Items).toContainEqual({ thing_name: { S: 'shared' } })
  expect(Table?.TableStatus).toBe('ACTIVE')
  expect(Table?.TableArn).toBe(`arn:aws:dynamodb:us-west-1:123456789012:table/${TableName}`)
})

it('answers DynamoDB errors by their names', async () => {
  const client = machine.dynamodb(machine.operator)
  await refusedAs(
    client.send(new GetItemCommand({ TableName: 'missing', Key })),
    'ResourceNotFoundException',
    400,
  )
  await refusedAs(
    client.send(new PutItemCommand({ TableName, Item: { other: { S: 'x' } } })),
    'ValidationException',
    400,
    'Missing the key thing_name',
  )
  await refusedAs(createAllowList(client), 'ResourceInUseException', 400)
})

it('refuses what it lacks instead of passing over it', async () => {
  const client = machine.dynamodb(machine.operator)
  const Item = { thing_name: { S: 'x' } }
  await refusedAs(
    client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: { TableName, Item } }] })),
    'UnknownOperationException',
    400,
  )
  await refusedAs(
    client.send(
      new UpdateTimeToLiveCommand({
        TableName,
        TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      }),
    ),
    'UnknownOperationException',
    400,
  )
  await refusedAs(
    client.send(
      new PutItemCommand({
        TableName,
        Item,
        ConditionExpression: 'attribute_not_exists(thing_name)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    ),
    'ValidationException',
    400,
    "member ReturnValuesOnConditionCheckFailure is not supported by this stand-in's DynamoDB",
  )
  await refusedAs(
    client.send(
      new CreateTableCommand({
        TableName: 'streamed',
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
      }),
    ),
    'ValidationException',
    400,
    'member StreamSpecification is not supported',
  )
})

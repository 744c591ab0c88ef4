import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterEach, describe, expect, it } from 'vitest'
import { renderRow } from '../../../app/allowlist/device-row.ts'
import { dynamoAllowList } from '../../../app/allowlist/dynamo-allow-list.ts'
import { allowedDevice, type DeviceRecord } from '../../../app/provisioning/device-record.ts'

const previous = allowedDevice('dev1', Date.parse('2026-06-01T12:00:00Z'))
const next: DeviceRecord = { ...previous, rev: 2, status: 'provisioning', attemptId: 'mine' }
const signal = AbortSignal.timeout(20_000)
let server: Server
afterEach(() => server.close())

type Request = { operation: string; body: Record<string, unknown> }

/** A table that fails its writes as it is told, and shows this row to whoever reads it. */
async function setUp(failure: 'condition' | 'error' | undefined, row: DeviceRecord | undefined) {
  const requests: Request[] = []
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(Buffer.from(chunk))
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? ''
    requests.push({ operation, body: JSON.parse(Buffer.concat(chunks).toString()) })
    response.setHeader('content-type', 'application/x-amz-json-1.0')
    if (operation === 'GetItem')
      return response.end(JSON.stringify(row ? { Item: renderRow(row) } : {}))
    if (failure === undefined) return response.end('{}')
    const type = failure === 'condition' ? 'ConditionalCheckFailedException' : 'InternalServerError'
    response.statusCode = failure === 'condition' ? 400 : 500
    response.end(
      JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'no' }),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'test' },
  })
  return { requests, allowList: dynamoAllowList({ client, table: 'table' }) }
}

describe('save', () => {
  it('reads nothing where the write was answered', async () => {
    const { requests, allowList } = await setUp(undefined, next)
    expect(await allowList.save(previous, next, signal)).toEqual({ saved: true })
    expect(requests.map((it) => it.operation)).toEqual(['UpdateItem'])
  })

  it('reads consistently after a failed condition (counterexample 5), and gives what stands there', async () => {
    const theirs: DeviceRecord = { ...next, attemptId: 'theirs' }
    const { requests, allowList } = await setUp('condition', theirs)
    expect(await allowList.save(previous, next, signal)).toEqual({ saved: false, current: theirs })
    const reads = requests.filter((it) => it.operation === 'GetItem')
    expect(reads.map((it) => it.body.ConsistentRead)).toEqual([true])
  })

  it.each(['condition', 'error'] as const)(
    'recognises its own write behind a %s',
    async (failure) => {
      const { allowList } = await setUp(failure, next)
      expect(await allowList.save(previous, next, signal)).toEqual({ saved: true })
    },
  )

  it('takes the same revision of another attempt for no write of its own', async () => {
    const { allowList } = await setUp('condition', { ...next, attemptId: 'theirs' })
    expect((await allowList.save(previous, next, signal)).saved).toBe(false)
  })

  it.each([
    {
      mine: 'a move',
      theirs: 'a confirmation',
      next: { regionPin: 'us-east-1' },
      won: { attachedAt: 9_000 },
    },
    {
      mine: 'a confirmation',
      theirs: 'a move',
      next: { attachedAt: 9_000 },
      won: { regionPin: 'us-east-1' },
    },
  ])('does not take $mine for done where $theirs was first, after the same commit', async (it) => {
    const committed: DeviceRecord = { ...next, status: 'provisioned' }
    const winner = { ...committed, rev: 3, ...it.won }
    const { allowList } = await setUp('condition', winner)
    const save = allowList.save(committed, { ...committed, rev: 3, ...it.next }, signal)
    expect(await save).toEqual({ saved: false, current: winner })
  })

  it('tells that a row is gone', async () => {
    const { allowList } = await setUp('condition', undefined)
    expect(await allowList.save(previous, next, signal)).toEqual({
      saved: false,
      current: undefined,
    })
  })

  it('claims nothing where the outcome is unknown', async () => {
    const { allowList } = await setUp('error', previous)
    await expect(allowList.save(previous, next, signal)).rejects.toMatchObject({
      code: 'allow-list-unavailable',
    })
  })
})

describe('remove', () => {
  it('holds the write to the revision and the status that were read', async () => {
    const { requests, allowList } = await setUp(undefined, undefined)
    expect(await allowList.remove(previous, signal)).toEqual({ removed: true })
    expect(requests).toMatchObject([
      {
        operation: 'DeleteItem',
        body: {
          Key: { thing_name: { S: 'dev1' } },
          ConditionExpression: '#rev = :rev AND #status = :status',
          ExpressionAttributeValues: {
            ':rev': { N: String(previous.rev) },
            ':status': { S: 'unprovisioned' },
          },
        },
      },
    ])
  })

  it('gives what stands there, where it changed meanwhile', async () => {
    const { allowList } = await setUp('condition', next)
    expect(await allowList.remove(previous, signal)).toEqual({ removed: false, current: next })
  })

  it.each(['condition', 'error'] as const)('sees that the row is gone behind a %s', async (it) => {
    const { allowList } = await setUp(it, undefined)
    expect(await allowList.remove(previous, signal)).toEqual({ removed: true })
  })

  it('claims nothing where the outcome is unknown', async () => {
    const { allowList } = await setUp('error', previous)
    await expect(allowList.remove(previous, signal)).rejects.toMatchObject({
      code: 'allow-list-unavailable',
    })
  })
})

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { awsHttpHandler } from '../../regions/aws-http.ts'
import { startDeadline } from '../../regions/deadline.ts'

/** Answers as a table-less DynamoDB; each request says by its table prefix how. */
let server: Server
let client: DynamoDBClient
let requests = 0
let onFailing = () => {}

beforeAll(async () => {
  server = createServer((request, response) => {
    requests += 1
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      if (body.includes('fail')) {
        onFailing()
        return response.writeHead(500).end('{}')
      }
      if (body.includes('hang')) return
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' })
      if (body.includes('stall')) return response.write('{"TableNames":[')
      return response.end('{"TableNames":[]}')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'test' },
    requestHandler: awsHttpHandler({ connectSeconds: 0.3, requestSeconds: 0.3 }),
    maxAttempts: 2,
  })
})
afterAll(() => {
  client?.destroy()
  server?.closeAllConnections()
  server?.close()
})

const send = (how: string, signal?: AbortSignal) =>
  client.send(
    new ListTablesCommand({ ExclusiveStartTableName: how }),
    signal === undefined ? {} : { abortSignal: signal },
  )

describe('awsHttpHandler', () => {
  it.each(['hang', 'stall'])('bounds an answer that does %s', async (how) => {
    await expect(send(`${how}-now`)).rejects.toThrow()
  })

  it('sends no further attempt once the deadline has passed, though no timer has fired', async () => {
    const clock = { now: 0 }
    const read = () => clock.now
    const deadline = startDeadline(20, { wall: read, monotonic: read })
    await send('fine-now', deadline.signal)
    const before = requests
    // The process sleeps between its first attempt and the SDK's retry.
    onFailing = () => {
      clock.now = 30_000
    }
    await expect(send('fail-now', deadline.signal)).rejects.toThrow("the request's time is up")
    expect(requests).toBe(before + 1)
    deadline.end()
  })
})

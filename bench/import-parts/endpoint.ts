/**
 * An endpoint that speaks as much of DynamoDB's wire as an import asks for, in a process of its own: it
 * counts, and keeps rows only where it is told to. Its parent steers it by messages.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** `perSecond`: writes beyond it are throttled (a tenth of a second's worth may come at once). */
export type EndpointMode = { readonly keep: boolean; readonly perSecond: number | null }
export type EndpointAsk =
  | { readonly ask: 'reset'; readonly mode: EndpointMode; readonly product: unknown }
  | { readonly ask: 'counts' }
  | { readonly ask: 'rows' }
  | { readonly ask: 'pause-after'; readonly writes: number }
export type EndpointCounts = {
  readonly written: number
  readonly refused: number
  readonly throttled: number
  readonly firstAt: number
  readonly lastAt: number
}

type Item = Record<string, unknown> & { readonly thing_name: { readonly S: string } }

let mode: EndpointMode = { keep: false, perSecond: null }
let products: unknown[] = []
let rows = new Map<string, Item>()
let counts = { written: 0, refused: 0, throttled: 0, firstAt: 0, lastAt: 0 }
let tokens = 0
let filledAt = 0
let pauseAfter = Number.POSITIVE_INFINITY

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => answer(request, Buffer.concat(chunks), response))
})
server.keepAliveTimeout = 60_000

process.on('message', (asked: EndpointAsk) => {
  switch (asked.ask) {
    case 'reset':
      mode = asked.mode
      products = [asked.product].flat()
      rows = new Map()
      counts = { written: 0, refused: 0, throttled: 0, firstAt: 0, lastAt: 0 }
      tokens = 0
      filledAt = performance.now()
      pauseAfter = Number.POSITIVE_INFINITY
      process.send?.('ready')
      break
    case 'counts':
      process.send?.(counts)
      break
    case 'rows':
      process.send?.([...rows.values()])
      break
    case 'pause-after':
      pauseAfter = asked.writes
      process.send?.('ready')
  }
})
process.on('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))

function answer(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const operation = String(request.headers['x-amz-target'] ?? '').split('.')[1]
  switch (operation) {
    case 'PutItem':
      return put(body, response)
    case 'Query':
      return send(response, 200, { Items: products, Count: products.length })
    case 'GetItem': {
      const { Key } = JSON.parse(body.toString())
      return send(response, 200, { Item: rows.get(Key.thing_name.S) })
    }
    default:
      return send(response, 400, { __type: 'UnknownOperationException', message: operation })
  }
}

function put(body: Buffer, response: ServerResponse): void {
  if (!hasRoom()) {
    counts.throttled++
    const __type = 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException'
    return send(response, 400, { __type, message: 'The level of configured throughput is exceeded' })
  }
  counts.lastAt = performance.now()
  counts.firstAt ||= counts.lastAt
  if (mode.keep) {
    const { Item, ConditionExpression } = JSON.parse(body.toString())
    if (ConditionExpression !== 'attribute_not_exists(thing_name)') {
      return send(response, 400, { __type: 'ValidationException', message: ConditionExpression })
    }
    if (rows.has(Item.thing_name.S)) {
      counts.refused++
      const __type = 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException'
      return send(response, 400, { __type, message: 'The conditional request failed' })
    }
    rows.set(Item.thing_name.S, Item)
  }
  counts.written++
  if (counts.written + counts.refused >= pauseAfter) {
    pauseAfter = Number.POSITIVE_INFINITY
    process.send?.('reached')
  }
  send(response, 200, {})
}

function hasRoom(): boolean {
  if (mode.perSecond === null) return true
  const now = performance.now()
  const most = mode.perSecond / 10
  tokens = Math.min(most, tokens + ((now - filledAt) / 1000) * mode.perSecond)
  filledAt = now
  if (tokens < 1) return false
  tokens -= 1
  return true
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

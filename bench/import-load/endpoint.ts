/**
 * An endpoint that speaks as much of DynamoDB's wire as an import asks for, in a process of its own: it
 * counts, and keeps rows only where it is told to. Its parent steers it by messages.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** `perSecond`: writes beyond it are throttled (a tenth of a second's worth may come at once). */
export type EndpointMode = { readonly keep: boolean; readonly perSecond: number | null }
export type EndpointAsk =
  | {
      readonly ask: 'reset'
      readonly mode: EndpointMode
      /** Rows of the control table, and those that the allow-list has from the start. */
      readonly products: readonly Item[]
      readonly rows: readonly Item[]
    }
  | { readonly ask: 'counts' }
  | { readonly ask: 'rows' }
  | { readonly ask: 'notify-after'; readonly writes: number }
export type EndpointCounts = {
  readonly written: number
  readonly refused: number
  readonly throttled: number
  readonly firstAt: number
  readonly lastAt: number
}

/** A row in DynamoDB's JSON. */
export type Item = Readonly<Record<string, { readonly S?: string }>>

let mode: EndpointMode = { keep: false, perSecond: null }
let products: readonly Item[] = []
let rows = new Map<string, Item>()
let counts = { written: 0, refused: 0, throttled: 0, firstAt: 0, lastAt: 0 }
let tokens = 0
let filledAt = 0
let notifyAfter = Number.POSITIVE_INFINITY

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => send(response, ...answer(request, Buffer.concat(chunks))))
})
server.keepAliveTimeout = 60_000

process.on('message', (asked: EndpointAsk) => {
  switch (asked.ask) {
    case 'reset':
      mode = asked.mode
      products = asked.products
      rows = new Map(asked.rows.map((row) => [row.thing_name?.S ?? '', row]))
      counts = { written: 0, refused: 0, throttled: 0, firstAt: 0, lastAt: 0 }
      tokens = 0
      filledAt = performance.now()
      notifyAfter = Number.POSITIVE_INFINITY
      process.send?.('ready')
      break
    case 'counts':
      process.send?.(counts)
      break
    case 'rows':
      process.send?.([...rows.values()])
      break
    case 'notify-after':
      notifyAfter = counts.written + counts.refused + asked.writes
      process.send?.('ready')
  }
})
process.on('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))

/** A text is STS's XML; whatever else goes as JSON. */
type Answer = readonly [status: number, body: unknown]

const callerIdentity =
  '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/bench</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>'

function answer(request: IncomingMessage, body: Buffer): Answer {
  const operation = String(request.headers['x-amz-target']).split('.').at(-1)
  switch (operation) {
    case 'PutItem':
      return put(body)
    case 'Query':
      return [200, { Items: products, Count: products.length }]
    case 'GetItem':
      return [200, { Item: rows.get(JSON.parse(body.toString()).Key.thing_name.S) }]
    case 'undefined':
      return [200, callerIdentity]
    default:
      return refuse('UnknownOperationException', operation ?? '')
  }
}

function put(body: Buffer): Answer {
  if (!hasRoom()) {
    counts.throttled++
    return refuse('ProvisionedThroughputExceededException', 'The throughput is exceeded')
  }
  counts.lastAt = performance.now()
  counts.firstAt ||= counts.lastAt
  const refusal = mode.keep ? keep(body) : undefined
  if (refusal === undefined) counts.written++
  if (counts.written + counts.refused >= notifyAfter) {
    notifyAfter = Number.POSITIVE_INFINITY
    process.send?.('reached')
  }
  return refusal ?? [200, {}]
}

function keep(body: Buffer): Answer | undefined {
  const { Item, ConditionExpression } = JSON.parse(body.toString())
  if (ConditionExpression !== 'attribute_not_exists(thing_name)') {
    return refuse('ValidationException', `${ConditionExpression}`)
  }
  if (rows.has(Item.thing_name.S)) {
    counts.refused++
    return refuse('ConditionalCheckFailedException', 'The conditional request failed')
  }
  rows.set(Item.thing_name.S, Item)
  return undefined
}

function refuse(code: string, message: string): Answer {
  return [400, { __type: `com.amazonaws.dynamodb.v20120810#${code}`, message }]
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
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  response.writeHead(status, {
    'content-type': typeof body === 'string' ? 'text/xml' : 'application/x-amz-json-1.0',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

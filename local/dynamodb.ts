import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import dynalite from 'dynalite'
import { types as batchGetItem } from 'dynalite/validations/batchGetItem.js'
import { types as batchWriteItem } from 'dynalite/validations/batchWriteItem.js'
import { types as createTable } from 'dynalite/validations/createTable.js'
import { types as deleteItem } from 'dynalite/validations/deleteItem.js'
import { types as deleteTable } from 'dynalite/validations/deleteTable.js'
import { types as describeTable } from 'dynalite/validations/describeTable.js'
import { types as getItem } from 'dynalite/validations/getItem.js'
import { types as listTables } from 'dynalite/validations/listTables.js'
import { types as putItem } from 'dynalite/validations/putItem.js'
import { types as query } from 'dynalite/validations/query.js'
import { types as scan } from 'dynalite/validations/scan.js'
import { types as updateItem } from 'dynalite/validations/updateItem.js'
import { types as updateTable } from 'dynalite/validations/updateTable.js'
import { closeServer, listen } from './listen.ts'
import { AwsError, type Service, type ServiceRequest } from './service.ts'

/**
 * The operations that are offered, with the request members each one honours. dynalite drops what it
 * doesn't know without a word (streams, encryption, the item on a failed condition), so other members
 * are refused here.
 */
const OPERATIONS = {
  BatchGetItem: batchGetItem,
  BatchWriteItem: batchWriteItem,
  CreateTable: createTable,
  DeleteItem: deleteItem,
  DeleteTable: deleteTable,
  DescribeTable: describeTable,
  GetItem: getItem,
  ListTables: listTables,
  PutItem: putItem,
  Query: query,
  // dynalite's scan always reads what is written: consistent without being asked.
  Scan: { ...scan, ConsistentRead: query.ConsistentRead },
  UpdateItem: updateItem,
  UpdateTable: updateTable,
} as const satisfies Record<string, Readonly<Record<string, unknown>>>

const members = new Map<string, Readonly<Record<string, unknown>>>(Object.entries(OPERATIONS))
const TABLE_OPERATIONS = new Set(['CreateTable', 'DeleteTable', 'DescribeTable', 'UpdateTable'])
/** dynalite looks at the header's form only; the signature was verified before. */
const AUTHORIZATION =
  'AWS4-HMAC-SHA256 Credential=verified/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=verified'

export type DynamoDb = {
  readonly service: Service
  /** Performs an operation for this process itself, unsigned and uncounted; throws AwsError. */
  ask(operation: string, members: object): Promise<unknown>
  close(): Promise<void>
}

/**
 * DynamoDB by dynalite, on a loopback port of its own that nobody is told of: LevelDB in `folder`, or
 * in memory. One table space for every region, as each edge region sees the same global table.
 */
export async function createDynamoDb(options: {
  readonly folder?: string
  readonly accountId: string
}): Promise<DynamoDb> {
  const { folder, accountId } = options
  const server = dynalite({
    ...(folder === undefined ? {} : { path: folder }),
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
  })
  const port = await listen(server, '127.0.0.1', 0)
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })

  const service: Service = {
    operationOf(request) {
      const [version, operation = ''] = (request.headers['x-amz-target'] ?? '').split('.')
      return version === 'DynamoDB_20120810' && members.has(operation) ? operation : undefined
    },
    async handle(operation, request) {
      refuseUnsupported(operation, request)
      const { status, headers, body } = await forward(agent, port, operation, request.body)
      if (status >= 400) throw readError(status, body)
      return {
        status,
        headers: {
          'content-type': 'application/x-amz-json-1.0',
          'x-amzn-requestid': String(headers['x-amzn-requestid'] ?? ''),
        },
        body: TABLE_OPERATIONS.has(operation) ? ownArns(body, request.region, accountId) : body,
      }
    },
    renderError(error) {
      const prefix = NAMESPACES.get(error.code) ?? 'com.amazonaws.dynamodb.v20120810'
      return {
        status: error.status,
        headers: { 'content-type': 'application/x-amz-json-1.0' },
        body: JSON.stringify({
          __type: `${prefix}#${error.code}`,
          message: error.message,
          ...error.extra,
        }),
      }
    },
  }
  return {
    service,
    async ask(operation, asked) {
      const json = Buffer.from(JSON.stringify(asked))
      const { status, body } = await forward(agent, port, operation, json)
      if (status >= 400) throw readError(status, body)
      return JSON.parse(body)
    },
    async close() {
      agent.destroy()
      await closeServer(server)
    },
  }
}

const CORAL = 'com.amazon.coral.service'
/** Errors that don't come from DynamoDB itself but from the frame it is built on. */
const NAMESPACES = new Map([
  ['ValidationException', 'com.amazon.coral.validate'],
  ['AccessDeniedException', CORAL],
  ['ExpiredTokenException', CORAL],
  ['IncompleteSignatureException', CORAL],
  ['InvalidSignatureException', CORAL],
  ['MissingAuthenticationTokenException', CORAL],
  ['SerializationException', CORAL],
  ['UnknownOperationException', CORAL],
  ['UnrecognizedClientException', CORAL],
])

/** The table a request names, as an ARN of the region it was sent to, or `*`. */
export function tableArnOf(request: ServiceRequest, accountId: string): string {
  const { TableName: table, IndexName: index } = parseBody(request)
  if (typeof table !== 'string') return '*'
  const arn = `arn:aws:dynamodb:${request.region}:${accountId}:table/${table}`
  return typeof index === 'string' ? `${arn}/index/${index}` : arn
}

function refuseUnsupported(operation: string, request: ServiceRequest): void {
  const known = members.get(operation) ?? {}
  for (const [name, value] of Object.entries(parseBody(request))) {
    if (!Object.hasOwn(known, name) && !isDefault(value)) {
      throw new AwsError(
        'ValidationException',
        400,
        `${operation}'s member ${name} is not supported by this stand-in's DynamoDB`,
      )
    }
  }
}

/** A member that asks for nothing may pass. */
function isDefault(value: unknown): boolean {
  return value === null || value === false || value === 'NONE' || value === 'STANDARD'
}

function parseBody(request: ServiceRequest): Readonly<Record<string, unknown>> {
  let parsed: unknown
  try {
    parsed = JSON.parse(request.body.toString())
  } catch {
    parsed = undefined
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new AwsError('SerializationException', 400, 'The request body is not a JSON object')
  }
  return Object.fromEntries(Object.entries(parsed))
}

function forward(
  agent: Agent,
  port: number,
  operation: string,
  body: Buffer,
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      agent,
      host: '127.0.0.1',
      port,
      method: 'POST',
      path: '/',
      headers: {
        authorization: AUTHORIZATION,
        'content-length': body.length,
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-date': '20260101T000000Z',
        'x-amz-target': `DynamoDB_20120810.${operation}`,
      },
    })
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode = 0, headers } = response
        resolve({ status: statusCode, headers, body: Buffer.concat(chunks).toString() })
      })
    })
    outgoing.end(body)
  })
}

function readError(status: number, body: string): AwsError {
  const text = (value: unknown) => (typeof value === 'string' ? value : '')
  const parsed: unknown = body.startsWith('{') ? JSON.parse(body) : {}
  const fields = new Map(Object.entries(parsed ?? {}))
  const code = text(fields.get('__type')).replace(/^.*#/, '')
  const message = text(fields.get('message')) || text(fields.get('Message'))
  return new AwsError(code || 'InternalServerError', status, message)
}

/** dynalite names every table under the account and region of its process's environment. */
function ownArns(body: string, region: string, accountId: string): string {
  return body.replace(
    /"arn:aws:dynamodb:[^:"]*:[^:"]*:/g,
    `"arn:aws:dynamodb:${region}:${accountId}:`,
  )
}

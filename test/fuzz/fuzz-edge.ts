import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { pino } from 'pino'
import { renderRow } from '../../app/allowlist/device-row.ts'
import { dynamoAllowList } from '../../app/allowlist/dynamo-allow-list.ts'
import { createApp } from '../../app/edge/app.ts'
import { clientAddress } from '../../app/edge/client-address.ts'
import type { ControlSnapshot } from '../../app/edge/land-device.ts'
import { watchRegions } from '../../app/edge/region-status.ts'
import { readProducts } from '../../app/products/control-table.ts'
import { productSchema } from '../../app/products/product.ts'
import { cacheProducts } from '../../app/products/product-cache.ts'
import type { DeviceRecord } from '../../app/provisioning/device-record.ts'
import { parseRouterKeys } from '../../app/request/router-keys.ts'
import type { IotRegion } from '../../regions/iot-region.ts'
import { audience, makeSigningKey } from '../landfall-request.ts'

/** What an edge did beside answering: nothing of it may ever happen under these devices. */
export type FuzzEdge = {
  fetch(request: Request): Promise<Response>
  /** The calls that write, to the table and to regions, and its log's failures, since it was asked last. */
  takeTrouble(): string[]
  /** The lines of its log since it was asked last. */
  takeLog(): string[]
}

/**
 * The real app over the real table adapter, with AWS cut short: rows and products come from memory, and
 * whatever would write is counted and fails. None of its devices may be provisioned: they are blocked,
 * or have their certificate.
 */
export async function openFuzzEdge(
  records: readonly DeviceRecord[],
  products: readonly Record<string, unknown>[],
): Promise<FuzzEdge> {
  const trouble: string[] = []
  const client = memoryDynamo(records, products, trouble)
  const regions = new Map(['eu-west-1', 'us-east-1'].map((it) => [it, idleRegion(it, trouble)]))
  const lines: string[] = []
  const log = pino(
    { base: null, formatters: { level: (level: string) => ({ level }) } },
    {
      write(line: string) {
        lines.push(line)
        if (line.startsWith('{"level":"error"')) trouble.push(line)
      },
    },
  )
  const { key } = makeSigningKey()
  const routerKeys = JSON.stringify({ keys: [key.export({ format: 'jwk' })] })
  const now = () => Date.now()
  const app = createApp({
    by: 'edge of the fuzzer',
    edgeRegion: 'eu-west-1',
    metricsNamespace: 'Landfall',
    deadlineSeconds: 20,
    leaseSeconds: 60,
    failoverSeconds: 5,
    log,
    now,
    peerAddress: () => '127.0.0.1',
    requestId: () => 'fuzz',
    secondsLeft: () => Number.POSITIVE_INFINITY,
    clientAddress: clientAddress(['127.0.0.0/8']),
    limitAddress: async () => {},
    limitThing: async () => {},
    isHealthy: async () => true,
    waitFor: () => 5,
    allowList: dynamoAllowList({ client, table: 'allow-list' }),
    products: cacheProducts({
      async read(signal): Promise<ControlSnapshot> {
        const status = { draining: new Set<string>(), breakers: new Map(), problems: [] }
        return { ...(await readProducts(client, 'control', signal)), status }
      },
      now,
      refreshSeconds: 3600,
      timeoutSeconds: 5,
      onProblem: (problem) => trouble.push(problem),
    }),
    regions: { names: [...regions.keys()], find: (name) => regions.get(name) },
    regionStatus: watchRegions({
      regions: [...regions.keys()],
      failures: 3,
      now,
      random: Math.random,
      onChange: () => {},
    }),
    locate: () => undefined,
    locating: true,
    newAttemptId: () => 'fuzz',
    landfall: {
      audience,
      keys: await parseRouterKeys(routerKeys, audience),
      freshness: { maxAgeSeconds: 300, maxAheadSeconds: 60, nonceSeconds: 300 },
    },
  })
  return {
    fetch: async (request) => await app.fetch(request),
    takeTrouble: () => trouble.splice(0),
    takeLog: () => lines.splice(0),
  }
}

/** A client whose every call ends in this process: reads find what there is, writes are counted. */
function memoryDynamo(
  records: readonly DeviceRecord[],
  products: readonly Record<string, unknown>[],
  trouble: string[],
): DynamoDBClient {
  const rows = new Map(records.map((it) => [it.thingName, renderRow(it)]))
  const documents = products.map((it) => {
    const product = productSchema.parse(it)
    return { name: { S: product.name }, document: { S: JSON.stringify(product) } }
  })
  const client = new DynamoDBClient({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'nobody', secretAccessKey: 'nothing' },
  })
  client.middlewareStack.add(
    (_next, { commandName = '' }) =>
      async ({ input }) => {
        const output = { $metadata: {} }
        if (commandName === 'QueryCommand') {
          return { response: {}, output: { ...output, Items: documents } }
        }
        if (commandName === 'GetItemCommand' && 'Key' in input) {
          const row = rows.get(input.Key?.thing_name?.S ?? '')
          return { response: {}, output: { ...output, ...(row ? { Item: row } : {}) } }
        }
        trouble.push(commandName)
        throw new Error(`${commandName} in a fuzz run`)
      },
    { step: 'initialize', priority: 'high' },
  )
  return client
}

function idleRegion(region: string, trouble: string[]): IotRegion {
  const refuse = (what: string) => async () => {
    trouble.push(what)
    throw new Error(`${what} in a fuzz run`)
  }
  return {
    region,
    endpointAddress: async () => '127.0.0.1',
    warm: async () => {},
    createThing: refuse('createThing'),
    issueCertificate: refuse('issueCertificate'),
    attach: refuse('attach'),
    deactivate: refuse('deactivate'),
    destroy: refuse('destroy'),
  }
}

import {
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandOutput,
  ScanCommand,
  type ScanCommandInput,
} from '@aws-sdk/client-dynamodb'
import { type DeviceFilter, renderFilter, rowTime } from './device-filter.ts'
import type { Row } from './device-row.ts'
import { allowListIndexes } from './table-layout.ts'

/** What reads of whole parts of the allow-list stand on; all of them are eventually consistent. */
export type TableSource = {
  readonly client: DynamoDBClient
  readonly table: string
  readonly signal: AbortSignal
  /** Makes each call; for those who want to wait where the table is busy. */
  readonly read?: <T>(call: () => Promise<T>) => Promise<T>
}

export type TablePage = {
  readonly rows: readonly Row[]
  /** Rows that were read for it, whether they match or not. */
  readonly looked: number
  readonly readUnits: number
  /** Where the next page begins; absent after the last one. */
  readonly lastKey?: Row
}

export type IndexName = keyof typeof allowListIndexes

/**
 * The rows of one partition of an index that match, newest first. `pageRows` bounds what one call
 * reads; by default that is 1 MB. Throws the SDK's error.
 */
export async function* queryIndex(
  source: TableSource,
  query: { readonly index: IndexName; readonly partition: string; readonly filter: DeviceFilter },
  { start, pageRows }: { readonly start?: Row | undefined; readonly pageRows?: number } = {},
): AsyncGenerator<TablePage> {
  const { partition, sort } = allowListIndexes[query.index]
  const { since, until } = query.filter
  const rest = renderFilter(query.filter, [partition, sort])
  const times = {
    ...(since === undefined ? {} : { ':since': { S: rowTime(since) } }),
    ...(until === undefined ? {} : { ':until': { S: rowTime(until) } }),
  }
  const input = {
    ...rest,
    TableName: source.table,
    IndexName: query.index,
    ScanIndexForward: false,
    KeyConditionExpression: `#partition = :partition${timeCondition(since, until)}`,
    ExpressionAttributeNames: {
      ...rest.ExpressionAttributeNames,
      '#partition': partition,
      ...(since === undefined && until === undefined ? {} : { '#sort': sort }),
    },
    ExpressionAttributeValues: {
      ...rest.ExpressionAttributeValues,
      ':partition': { S: query.partition },
      ...times,
    },
    ReturnConsumedCapacity: 'TOTAL' as const,
    ...(pageRows === undefined ? {} : { Limit: pageRows }),
  }
  yield* pages(source, start, (from) => {
    const command = new QueryCommand({ ...input, ...from })
    return source.client.send(command, { abortSignal: source.signal })
  })
}

function timeCondition(since: number | undefined, until: number | undefined): string {
  if (since !== undefined && until !== undefined) return ' AND #sort BETWEEN :since AND :until'
  if (since !== undefined) return ' AND #sort >= :since'
  return until === undefined ? '' : ' AND #sort <= :until'
}

export type ScanRange = {
  readonly filter: DeviceFilter
  /** Only these attributes; they cost as much to read, but less to send. Default: all. */
  readonly attributes?: readonly string[]
  readonly start?: Row | undefined
  readonly pageRows?: number
  /** One of so many parts of the table, from 0. Default: all of it. */
  readonly segment?: { readonly number: number; readonly of: number }
}

/** The rows of the table, or of one segment, that match, in no order. Throws the SDK's error. */
export async function* scanTable(
  source: TableSource,
  { filter, attributes, start, pageRows, segment }: ScanRange,
): AsyncGenerator<TablePage> {
  const filtered = renderFilter(filter)
  const projected = Object.fromEntries((attributes ?? []).map((name, at) => [`#p${at}`, name]))
  const names = { ...filtered.ExpressionAttributeNames, ...projected }
  const input: ScanCommandInput = {
    TableName: source.table,
    ReturnConsumedCapacity: 'TOTAL',
    ...(filtered.FilterExpression === undefined
      ? {}
      : {
          FilterExpression: filtered.FilterExpression,
          ExpressionAttributeValues: { ...filtered.ExpressionAttributeValues },
        }),
    ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
    ...(attributes === undefined
      ? {}
      : { ProjectionExpression: Object.keys(projected).join(', ') }),
    ...(pageRows === undefined ? {} : { Limit: pageRows }),
    ...(segment === undefined ? {} : { Segment: segment.number, TotalSegments: segment.of }),
  }
  yield* pages(source, start, (from) => {
    const command = new ScanCommand({ ...input, ...from })
    return source.client.send(command, { abortSignal: source.signal })
  })
}

type Output = Pick<
  QueryCommandOutput,
  'Items' | 'ScannedCount' | 'LastEvaluatedKey' | 'ConsumedCapacity'
>

async function* pages(
  { read = (call) => call() }: TableSource,
  start: Row | undefined,
  send: (from: { ExclusiveStartKey?: Row }) => Promise<Output>,
): AsyncGenerator<TablePage> {
  let lastKey = start
  do {
    const from = lastKey === undefined ? {} : { ExclusiveStartKey: lastKey }
    const output = await read(() => send(from))
    lastKey = output.LastEvaluatedKey
    yield {
      rows: output.Items ?? [],
      looked: output.ScannedCount ?? 0,
      readUnits: output.ConsumedCapacity?.CapacityUnits ?? 0,
      ...(lastKey === undefined ? {} : { lastKey }),
    }
  } while (lastKey !== undefined)
}

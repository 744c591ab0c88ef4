import { type DynamoDBClient, PutItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb'
import type { SharedBreaker } from '../../regions/breaker.ts'
import {
  breakerKind,
  type EdgeBreaker,
  type OperatorStatus,
  parseBreaker,
  parseStatus,
  renderBreaker,
  renderStatus,
  statusKind,
} from './status-row.ts'

type Table = {
  readonly client: DynamoDBClient
  readonly table: string
  readonly signal: AbortSignal
}

/** What the control table says of regions, as one edge has to know it. */
export type SharedStatus = {
  readonly draining: ReadonlySet<string>
  /** This edge's breakers, as any of its processes left them. */
  readonly breakers: ReadonlyMap<string, SharedBreaker>
  /** A sentence for each row that could not be used. */
  readonly problems: readonly string[]
}

/** Both reads run beside each other. Throws the SDK's error where the table can't be read. */
export async function readSharedStatus(deps: Table, edge: string): Promise<SharedStatus> {
  const [{ rows: statuses, problems }, breakers] = await Promise.all([
    listStatuses(deps),
    listBreakers(deps, edge),
  ])
  const draining = statuses.filter((it) => it.status === 'draining').map((it) => it.region)
  return {
    draining: new Set(draining),
    breakers: new Map(breakers.rows.map((it) => [it.region, it.breaker])),
    problems: [...problems, ...breakers.problems],
  }
}

type Listed<T> = { readonly rows: readonly T[]; readonly problems: readonly string[] }

/** What operators said of regions; one of which nobody said anything is active. */
export async function listStatuses(deps: Table): Promise<Listed<OperatorStatus>> {
  return await list(deps, { kind: statusKind, parse: parseStatus })
}

/** The breakers of every edge, or of one. */
export async function listBreakers(deps: Table, edge?: string): Promise<Listed<EdgeBreaker>> {
  const prefix = edge === undefined ? undefined : `${edge}#`
  return await list(deps, { kind: breakerKind, parse: parseBreaker, prefix })
}

/** Writes a region's status, over whatever stood there: the last operator's word counts. */
export async function putStatus(deps: Table, status: OperatorStatus): Promise<void> {
  const put = new PutItemCommand({ TableName: deps.table, Item: renderStatus(status) })
  await deps.client.send(put, { abortSignal: deps.signal })
}

/** Writes how a breaker stands: the last process's word counts. */
export async function putBreaker(deps: Table, breaker: EdgeBreaker): Promise<void> {
  const put = new PutItemCommand({ TableName: deps.table, Item: renderBreaker(breaker) })
  await deps.client.send(put, { abortSignal: deps.signal })
}

async function list<T>(
  { client, table, signal }: Table,
  of: {
    readonly kind: string
    readonly parse: (row: Parameters<typeof parseStatus>[0]) => T | undefined
    readonly prefix?: string | undefined
  },
): Promise<Listed<T>> {
  const { kind, parse, prefix } = of
  const query = {
    TableName: table,
    KeyConditionExpression: `kind = :kind${prefix === undefined ? '' : ' AND begins_with(#name, :prefix)'}`,
    ...(prefix === undefined ? {} : { ExpressionAttributeNames: { '#name': 'name' } }),
    ExpressionAttributeValues: {
      ':kind': { S: kind },
      ...(prefix === undefined ? {} : { ':prefix': { S: prefix } }),
    },
  }
  const rows: T[] = []
  const problems: string[] = []
  for await (const page of paginateQuery({ client }, query, { abortSignal: signal })) {
    for (const row of page.Items ?? []) {
      const parsed = parse(row)
      if (parsed !== undefined) rows.push(parsed)
      else problems.push(`${kind} ${row.name?.S ?? '?'}: the row can’t be read; it is ignored`)
    }
  }
  return { rows, problems }
}

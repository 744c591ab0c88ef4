import {
  DescribeTableCommand,
  DynamoDBClient,
  ResourceNotFoundException,
  ScanCommand,
  type TableDescription,
} from '@aws-sdk/client-dynamodb'
import type { AwsCredentialIdentity } from '@smithy/types'
import { PlanError, type RouterPlan } from './plan.ts'

/** A table as it is found; `empty`: not one row, which is looked at only where it matters. */
export type FoundTable = { readonly table: TableDescription; readonly empty: boolean }

/**
 * Refuses to change what a table can't become: a table is strongly consistent from its first row on, or
 * never, and keeps its Regions (DynamoDB Developer Guide, "Creating a multi-Region strong consistency
 * global table": the table must be empty). Looks at the tables that are there, with the credentials that
 * deploy. An empty one may become anything: it is what an interrupted first deployment leaves.
 */
export async function refuseOtherConsistency(
  stage: string,
  plan: RouterPlan,
  names: readonly string[],
  credentials?: AwsCredentialIdentity,
): Promise<void> {
  const client = new DynamoDBClient({
    region: plan.edges[0] ?? '',
    ...(credentials === undefined ? {} : { credentials }),
  })
  try {
    const found = await Promise.all(names.map((name) => find(client, name, plan.edges.length > 1)))
    const problems = found.flatMap((it) => (it === undefined ? [] : mismatch(plan, it)))
    if (problems.length > 0) throw new PlanError(stage, problems)
  } finally {
    client.destroy()
  }
}

/** What keeps a table from becoming what the plan wants: pure. */
export function mismatch(
  plan: Pick<RouterPlan, 'edges' | 'witness'>,
  { table, empty }: FoundTable,
): string[] {
  const { edges, witness } = plan
  const name = table.TableName ?? '?'
  if (table.MultiRegionConsistency !== 'STRONG') {
    if (edges.length === 1 || empty) return []
    return [
      `tables: ${name} in ${edges[0]} is a plain table and can’t become strongly consistent; ` +
        'name new tables in the plan (tables), export the old allow-list and import it there, ' +
        'or keep one edge',
    ]
  }
  const [here = ''] = edges
  const replicas = (table.Replicas ?? []).map((it) => it.RegionName ?? '?')
  const spans = [...new Set([here, ...replicas])].toSorted()
  const witnesses = (table.GlobalTableWitnesses ?? []).map((it) => it.RegionName ?? '?')
  const same = spans.join() === edges.toSorted().join() && witnesses.join() === (witness ?? '')
  if (same) return []
  return [
    `tables: ${name} is strongly consistent over ${spans.join(', ')}` +
      `${witnesses.length > 0 ? ` with the witness ${witnesses.join(', ')}` : ''} and stays so; ` +
      'name these as edges and witness, or name new tables in the plan (tables)',
  ]
}

async function find(
  client: DynamoDBClient,
  name: string,
  toBeStrong: boolean,
): Promise<FoundTable | undefined> {
  try {
    const { Table: table } = await client.send(new DescribeTableCommand({ TableName: name }))
    if (table === undefined) return undefined
    const matters = toBeStrong && table.MultiRegionConsistency !== 'STRONG'
    return { table, empty: matters && (await isEmpty(client, name)) }
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined
    throw error
  }
}

/** By a row, as the count in a table's description is hours old. */
async function isEmpty(client: DynamoDBClient, name: string): Promise<boolean> {
  const first = await client.send(
    new ScanCommand({ TableName: name, Limit: 1, ConsistentRead: true }),
  )
  return first.Count === 0 && first.LastEvaluatedKey === undefined
}

import {
  DescribeTableCommand,
  DynamoDBClient,
  ResourceNotFoundException,
  type TableDescription,
} from '@aws-sdk/client-dynamodb'
import { PlanError, type RouterPlan } from './plan.ts'

/**
 * Refuses to change what a table can't become: a table is strongly consistent from its first row on, or
 * never (DynamoDB Developer Guide, "Creating a multi-Region strong consistency global table": the table
 * must be empty). Looks at the tables that are there, with the credentials that deploy.
 */
export async function refuseOtherConsistency(
  stage: string,
  plan: RouterPlan,
  names: readonly string[],
): Promise<void> {
  const client = new DynamoDBClient({ region: plan.edges[0] ?? '' })
  try {
    const found = await Promise.all(names.map((name) => describe(client, name)))
    const problems = found.flatMap((table) => (table === undefined ? [] : mismatch(plan, table)))
    if (problems.length > 0) throw new PlanError(stage, problems)
  } finally {
    client.destroy()
  }
}

/** What keeps a table from becoming what the plan wants: pure. */
export function mismatch(plan: Pick<RouterPlan, 'edges'>, table: TableDescription): string[] {
  const strong = table.MultiRegionConsistency === 'STRONG'
  const name = table.TableName ?? '?'
  if (plan.edges.length > 1 && !strong) {
    return [
      `tables: ${name} in ${plan.edges[0]} is a plain table and can’t become strongly consistent; ` +
        'name new tables in the plan (tables), export the old allow-list and import it there, ' +
        'or keep one edge',
    ]
  }
  if (plan.edges.length === 1 && strong) {
    return [
      `tables: ${name} is strongly consistent over several Regions and stays so; ` +
        'name its Regions as edges and witness, or name new tables in the plan (tables)',
    ]
  }
  return []
}

async function describe(
  client: DynamoDBClient,
  name: string,
): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName: name }))).Table
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined
    throw error
  }
}

import {
  allowListIndexes,
  projectionOf,
  type TableNames,
  tableKeys,
} from '../app/allowlist/table-layout.ts'
import type { RouterPlan } from './plan.ts'
import type { Providers } from './providers.ts'

/**
 * The allow-list and the control table. Several edges: one strongly consistent global table, since a
 * claim must see every other (docs/decisions/007-strong-global-tables.md). One edge: a plain table.
 */
export function createTables(plan: RouterPlan, names: TableNames, providers: Providers): void {
  const provider = providers(plan.edges[0] ?? '')
  new sst.aws.Dynamo(
    'AllowList',
    {
      fields: fieldsOf([
        ...tableKeys.allowList,
        ...Object.values(allowListIndexes).flatMap((it) => [it.partition, it.sort]),
      ]),
      primaryIndex: { hashKey: tableKeys.allowList[0] },
      globalIndexes: Object.fromEntries(
        Object.entries(allowListIndexes).map(([name, it]) => [
          name,
          { hashKey: it.partition, rangeKey: it.sort, projection: projectionOf(it) },
        ]),
      ),
      deletionProtection: $app.protect,
      transform: { table: globalTable(plan, names.allowList) },
    },
    { provider },
  )
  new sst.aws.Dynamo(
    'Control',
    {
      fields: fieldsOf(tableKeys.control),
      primaryIndex: { hashKey: tableKeys.control[0], rangeKey: tableKeys.control[1] },
      deletionProtection: $app.protect,
      transform: { table: globalTable(plan, names.control) },
    },
    { provider },
  )
}

function fieldsOf(names: readonly string[]): Record<string, 'string'> {
  return Object.fromEntries(names.map((name) => [name, 'string' as const]))
}

/** The name, and for several edges a replica in each and the witness, all strongly consistent. */
function globalTable(plan: RouterPlan, name: string) {
  const [, ...others] = plan.edges
  return (args: aws.dynamodb.TableArgs): undefined => {
    args.name = name
    if (others.length === 0) return
    args.replicas = others.map((regionName) => ({
      regionName,
      consistencyMode: 'STRONG',
      pointInTimeRecovery: true,
      deletionProtectionEnabled: $app.protect,
      propagateTags: true,
    }))
    if (plan.witness !== undefined) args.globalTableWitness = { regionName: plan.witness }
  }
}

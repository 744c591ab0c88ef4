import {
  CreateTableCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import { allowListIndexes, projectionOf, type TableNames, tableKeys } from './table-layout.ts'

/** Creates whichever of the two tables is missing, on demand and plain, and waits until it is there. */
export async function createTables(client: DynamoDBClient, tables: TableNames): Promise<void> {
  for (const which of ['allowList', 'control'] as const) {
    try {
      await client.send(new CreateTableCommand(describeTable(which, tables[which])))
    } catch (error) {
      if (!(error instanceof ResourceInUseException)) throw error
    }
    await waitUntilTableExists(
      { client, maxWaitTime: 60, minDelay: 1 },
      { TableName: tables[which] },
    )
  }
}

function describeTable(which: keyof TableNames, name: string): CreateTableCommandInput {
  const keys: readonly string[] = tableKeys[which]
  const indexes = which === 'allowList' ? Object.entries(allowListIndexes) : []
  const attributes = [...keys, ...indexes.flatMap(([, it]) => [it.partition, it.sort])]
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [...new Set(attributes)].map((attribute) => ({
      AttributeName: attribute,
      AttributeType: 'S',
    })),
    KeySchema: keySchema(keys),
    ...(indexes.length === 0
      ? {}
      : {
          GlobalSecondaryIndexes: indexes.map(([indexName, index]) => ({
            IndexName: indexName,
            KeySchema: keySchema([index.partition, index.sort]),
            Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: projectionOf(index) },
          })),
        }),
  }
}

function keySchema(names: readonly string[]) {
  return names.map((name, index) => ({
    AttributeName: name,
    KeyType: index === 0 ? ('HASH' as const) : ('RANGE' as const),
  }))
}

import {
  CreateTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'

export type TableNames = { readonly allowList: string; readonly control: string }

/** The key attributes of both tables: the only part of their layout that DynamoDB itself knows. */
export const tableKeys = {
  allowList: ['thing_name'],
  control: ['kind', 'name'],
} as const satisfies Record<keyof TableNames, readonly string[]>

/** Creates whichever of the two tables is missing, on demand and plain, and waits until it is there. */
export async function createTables(client: DynamoDBClient, tables: TableNames): Promise<void> {
  for (const which of ['allowList', 'control'] as const) {
    const [partition, sort] = tableKeys[which]
    const keys = [partition, sort].filter((name) => name !== undefined)
    const create = new CreateTableCommand({
      TableName: tables[which],
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: keys.map((name) => ({ AttributeName: name, AttributeType: 'S' })),
      KeySchema: keys.map((name, index) => ({
        AttributeName: name,
        KeyType: index === 0 ? 'HASH' : 'RANGE',
      })),
    })
    try {
      await client.send(create)
    } catch (error) {
      if (!(error instanceof ResourceInUseException)) throw error
    }
    await waitUntilTableExists(
      { client, maxWaitTime: 60, minDelay: 1 },
      { TableName: tables[which] },
    )
  }
}

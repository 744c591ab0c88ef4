import { DescribeTableCommand } from '@aws-sdk/client-dynamodb'
import type { TableSource } from './table-pages.ts'

/** How large a table is, as DynamoDB counts every six hours or so: a new one has nothing yet. */
export type TableSize = { readonly rows: number; readonly bytes: number }

/** Throws the SDK's error. */
export async function readTableSize(
  source: Pick<TableSource, 'client' | 'table' | 'signal'>,
): Promise<TableSize> {
  const { client, table, signal } = source
  const describe = new DescribeTableCommand({ TableName: table })
  const { Table } = await client.send(describe, { abortSignal: signal })
  return { rows: Table?.ItemCount ?? 0, bytes: Table?.TableSizeBytes ?? 0 }
}

import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import { AppError } from '../app-error.ts'
import type { AllowListScan, ScannedRow } from '../provisioning/sweep-ports.ts'
import { parseRow, type Row } from './device-row.ts'

/** Reads the whole allow-list page by page, strongly consistently; each row as of its own page. */
export function scanAllowList(deps: { client: DynamoDBClient; table: string }): AllowListScan {
  const { client, table } = deps
  return {
    async *scan(signal) {
      const input = { TableName: table, ConsistentRead: true }
      const pages = paginateScan({ client }, input, { abortSignal: signal })
      try {
        for await (const page of pages) {
          for (const row of page.Items ?? []) yield readRow(row)
        }
      } catch (cause) {
        const why = cause instanceof Error ? cause.name : 'unknown failure'
        throw new AppError('allow-list-unavailable', `allow-list scan failed: ${why}`, { cause })
      }
    },
  }
}

function readRow(row: Row): ScannedRow {
  try {
    return { type: 'record', record: parseRow(row) }
  } catch (error) {
    const certificateId = row.certificate_id?.S
    return {
      type: 'unreadable',
      thingName: row.thing_name?.S ?? '?',
      problem: error instanceof Error ? error.message : String(error),
      ...(certificateId === undefined ? {} : { certificateId }),
      attempting: row.prov_status?.S === 'provisioning',
    }
  }
}

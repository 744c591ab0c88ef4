import { type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb'
import { defaultProductName } from '../provisioning/device-record.ts'
import { allowListIndexes } from './table-layout.ts'

/** A device that was provisioned in a region, as the index of regions has it. */
export type Arrival = {
  readonly thingName: string
  readonly product: string
  /** Epoch milliseconds, in whole seconds. */
  readonly at: number
}

const index = 'by_region'

/**
 * The devices that a region was given since then, newest first: eventually consistent, and without those
 * that have moved away meanwhile. Throws the SDK's error where the index can't be read.
 */
export async function* listArrivals(
  deps: { client: DynamoDBClient; table: string; signal: AbortSignal },
  region: string,
  since: number,
): AsyncGenerator<Arrival> {
  const { partition, sort } = allowListIndexes[index]
  const query = {
    TableName: deps.table,
    IndexName: index,
    ScanIndexForward: false,
    KeyConditionExpression: '#region = :region AND #at >= :since',
    FilterExpression: 'prov_status = :provisioned',
    ExpressionAttributeNames: { '#region': partition, '#at': sort },
    ExpressionAttributeValues: {
      ':region': { S: region },
      // As the rows have it: UTC, whole seconds, no zone.
      ':since': { S: new Date(since).toISOString().slice(0, 19) },
      ':provisioned': { S: 'provisioned' },
    },
  }
  const { client, signal } = deps
  for await (const page of paginateQuery({ client }, query, { abortSignal: signal })) {
    for (const row of page.Items ?? []) {
      const thingName = row.thing_name?.S
      const at = Date.parse(`${row[sort]?.S}Z`)
      if (thingName === undefined || Number.isNaN(at)) continue
      yield { thingName, product: row.product?.S ?? defaultProductName, at }
    }
  }
}

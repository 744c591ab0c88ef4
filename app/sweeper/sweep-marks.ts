import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import * as z from 'zod'
import { AppError } from '../app-error.ts'
import type { SweepMarks } from '../provisioning/sweep-ports.ts'

const markSchema = z.object({
  reached_at: z.iso.datetime().transform((text) => Date.parse(text)),
  pending: z.array(z.string().regex(/^[0-9a-f]{64}$/)).default([]),
})

/**
 * Where the last sweep got to, in the control table: key (`kind` = "sweep", `name` = the region).
 * A row that can't be read counts as none: the next sweep looks at everything.
 */
export function controlTableMarks(deps: { client: DynamoDBClient; table: string }): SweepMarks {
  const { client, table: TableName } = deps
  const kind = 'sweep'
  return {
    async find(region, signal) {
      const get = new GetItemCommand({
        TableName,
        Key: { kind: { S: kind }, name: { S: region } },
        ConsistentRead: true,
      })
      const { Item } = await translated('read', client.send(get, { abortSignal: signal }))
      const parsed = markSchema.safeParse(Item && unmarshall(Item))
      if (!parsed.success) return undefined
      return { reachedAt: parsed.data.reached_at, pending: parsed.data.pending }
    },
    async save(region, { reachedAt, pending }, signal) {
      const reached = new Date(reachedAt).toISOString()
      const put = new PutItemCommand({
        TableName,
        Item: marshall({ kind, name: region, reached_at: reached, pending }),
      })
      await translated('write', client.send(put, { abortSignal: signal }))
    },
  }
}

async function translated<T>(action: string, call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (cause) {
    const why = cause instanceof Error ? cause.name : 'unknown failure'
    const message = `control table ${action} failed: ${why}`
    throw new AppError('products-unavailable', message, { cause })
  }
}

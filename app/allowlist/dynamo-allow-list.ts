import { isDeepStrictEqual } from 'node:util'
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { DeadlineError } from '../../regions/deadline.ts'
import { AppError } from '../app-error.ts'
import type { AllowList, AllowListRemoval } from '../provisioning/allow-list.ts'
import type { DeviceRecord } from '../provisioning/device-record.ts'
import { isSameRow, parseRow, type Row, renderRow } from './device-row.ts'
import { parseRowEvenly } from './parse-row-evenly.ts'

export type DynamoAllowList = AllowList &
  AllowListRemoval & {
    /** Adds a device; false where a row of that name is there already, which is left untouched. */
    add(record: DeviceRecord, signal?: AbortSignal): Promise<boolean>
  }

/**
 * The allow-list in a DynamoDB table with the string key `thing_name`.
 * Every write is one UpdateItem with a condition on `rev` and `prov_status`, and changes only the
 * attributes that differ, so attributes that others keep in the row survive. A row is removed by one
 * DeleteItem on the same condition.
 */
export function dynamoAllowList(deps: { client: DynamoDBClient; table: string }): DynamoAllowList {
  const { client, table } = deps

  async function findRow(thingName: string, signal: AbortSignal, consistent: boolean) {
    const { Item } = await client.send(
      new GetItemCommand({
        TableName: table,
        Key: { thing_name: { S: thingName } },
        ConsistentRead: consistent,
      }),
      { abortSignal: signal },
    )
    return Item
  }

  return {
    async find(thingName, { signal, consistent = false }) {
      const row = await translated('read', () => findRow(thingName, signal, consistent))
      return parseRowEvenly(row)
    },

    async save(previous, next, signal) {
      const update = new UpdateItemCommand({
        TableName: table,
        Key: { thing_name: { S: next.thingName } },
        ...compareAndSwap(previous, next),
      })
      const failure = await client.send(update, { abortSignal: signal }).then(
        () => undefined,
        (error: unknown) => error ?? new Error('unknown failure'),
      )
      if (failure === undefined) return { saved: true }
      // Whatever went wrong, the row tells: a lost answer followed by the SDK's own retry looks
      // like somebody else's win, and a time-out may have been a success.
      const row = await translated('re-read', () => findRow(next.thingName, signal, true))
      const current = row === undefined ? undefined : parseRow(row)
      if (current !== undefined && isSameRow(current, next)) return { saved: true }
      if (failure instanceof ConditionalCheckFailedException) return { saved: false, current }
      throw unavailable('write', failure)
    },

    async remove(record, signal) {
      const remove = new DeleteItemCommand({
        TableName: table,
        Key: { thing_name: { S: record.thingName } },
        ...unchanged(record),
      })
      const failure = await client.send(remove, { abortSignal: signal }).then(
        () => undefined,
        (error: unknown) => error ?? new Error('unknown failure'),
      )
      if (failure === undefined) return { removed: true }
      // As in `save`: a row that is gone is gone, whosever write it was.
      const row = await translated('re-read', () => findRow(record.thingName, signal, true))
      if (row === undefined) return { removed: true }
      if (failure instanceof ConditionalCheckFailedException) {
        return { removed: false, current: parseRow(row) }
      }
      throw unavailable('write', failure)
    },

    async add(record, signal) {
      const put = new PutItemCommand({
        TableName: table,
        Item: renderRow(record),
        ConditionExpression: 'attribute_not_exists(thing_name)',
      })
      try {
        // Without options the client may keep its middleware as it is (`cacheMiddleware`).
        await (signal === undefined ? client.send(put) : client.send(put, { abortSignal: signal }))
        return true
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false
        throw unavailable('write', error)
      }
    },
  }
}

/** The expressions of one UpdateItem that turns `previous` into `next`, and only that. */
export function compareAndSwap(previous: DeviceRecord, next: DeviceRecord) {
  const before = renderRow(previous)
  const after = renderRow(next)
  const condition = unchanged(previous)
  const names = { ...condition.ExpressionAttributeNames }
  const values = { ...condition.ExpressionAttributeValues }
  const set: string[] = []
  const remove: string[] = []
  const attributes = new Set([...Object.keys(before), ...Object.keys(after)])
  attributes.delete('thing_name')
  for (const [index, attribute] of [...attributes].entries()) {
    const value = after[attribute]
    // A row written by hand lacks `schema` and `rev`, though rendering it shows the first.
    const same = previous.rev !== undefined && isDeepStrictEqual(before[attribute], value)
    if (same) continue
    names[`#a${index}`] = attribute
    if (value === undefined) remove.push(`#a${index}`)
    else {
      values[`:a${index}`] = value
      set.push(`#a${index} = :a${index}`)
    }
  }
  return {
    ConditionExpression: condition.ConditionExpression,
    UpdateExpression: [
      set.length > 0 ? `SET ${set.join(', ')}` : '',
      remove.length > 0 ? `REMOVE ${remove.join(', ')}` : '',
    ]
      .filter(Boolean)
      .join(' '),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  }
}

/** The condition under which a row is still the one that was read. */
function unchanged({ rev, status }: DeviceRecord) {
  const names: Record<string, string> = { '#status': 'prov_status', '#rev': 'rev' }
  const values: Row = { ':status': { S: status } }
  if (rev !== undefined) values[':rev'] = { N: String(rev) }
  const revision = rev === undefined ? 'attribute_not_exists(#rev)' : '#rev = :rev'
  return {
    ConditionExpression: `${revision} AND #status = :status`,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  }
}

async function translated<T>(action: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw unavailable(action, error)
  }
}

function unavailable(action: string, cause: unknown): AppError {
  if (cause instanceof DeadlineError || (cause instanceof Error && cause.name === 'AbortError')) {
    return new AppError('deadline', `the time was up at the allow-list's ${action}`, { cause })
  }
  const why = cause instanceof Error ? cause.name : 'unknown failure'
  return new AppError('allow-list-unavailable', `allow-list ${action} failed: ${why}`, { cause })
}

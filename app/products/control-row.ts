import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
} from '@aws-sdk/client-dynamodb'
import { AppError } from '../app-error.ts'
import type { StoredProduct } from './product-row.ts'

export type ControlTable = {
  readonly client: DynamoDBClient
  readonly table: string
  readonly signal: AbortSignal
}

export type Row = Record<string, AttributeValue>

/** A row, read consistently. */
export async function readRow({ client, table, signal }: ControlTable, Key: Row) {
  const get = new GetItemCommand({ TableName: table, Key, ConsistentRead: true })
  const { Item } = await client.send(get, { abortSignal: signal })
  return Item
}

/** The expressions of an UpdateItem that only succeeds over what was seen. */
export function swapProduct(
  seen: StoredProduct | undefined,
  attributes: Readonly<Record<string, AttributeValue | undefined>>,
) {
  const names: Record<string, string> = {}
  const values: Row = {}
  const set: string[] = []
  const remove: string[] = []
  for (const [index, [name, value]] of Object.entries(attributes).entries()) {
    names[`#a${index}`] = name
    if (value === undefined) remove.push(`#a${index}`)
    else {
      set.push(`#a${index} = :a${index}`)
      values[`:a${index}`] = value
    }
  }
  const conditions =
    seen === undefined ? ['attribute_not_exists(kind)'] : ['attribute_exists(kind)']
  const still = { document: seen?.document, version: seen?.version?.toString() }
  for (const [name, value] of seen === undefined ? [] : Object.entries(still)) {
    names[`#${name}`] = name
    if (value === undefined) conditions.push(`attribute_not_exists(#${name})`)
    else {
      conditions.push(`#${name} = :${name}`)
      values[`:${name}`] = name === 'version' ? { N: value } : { S: value }
    }
  }
  return {
    ConditionExpression: conditions.join(' AND '),
    UpdateExpression: `SET ${set.join(', ')}${remove.length > 0 ? ` REMOVE ${remove.join(', ')}` : ''}`,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  }
}

/** Whether a conditional write took effect. Whatever went wrong, the row itself tells. */
export async function wasWritten(
  deps: ControlTable,
  key: Row,
  applyId: string,
  write: (options: { abortSignal: AbortSignal }) => Promise<unknown>,
): Promise<boolean> {
  const failure = await write({ abortSignal: deps.signal }).then(
    () => undefined,
    (error: unknown) => error ?? new Error('unknown failure'),
  )
  if (failure === undefined) return true
  const row = await readRow(deps, key).catch((cause: unknown) => {
    throw unknownOutcome(cause)
  })
  // The answer was lost, and the SDK's own retry met the write it repeats.
  if (row?.apply_id?.S === applyId) return true
  if (failure instanceof ConditionalCheckFailedException) return false
  throw unknownOutcome(failure)
}

function unknownOutcome(cause: unknown): AppError {
  const message = 'it isn’t known whether the change was written: it may still become current'
  return new AppError('products-unavailable', message, { cause })
}

/** The attributes that are there. */
export function withoutUndefined(
  attributes: Readonly<Record<string, AttributeValue | undefined>>,
): Row {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) => (value ? [[name, value] as const] : [])),
  )
}

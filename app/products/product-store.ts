import {
  DeleteItemCommand,
  PutItemCommand,
  paginateQuery,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { AppError } from '../app-error.ts'
import {
  type ControlTable,
  readRow,
  swapProduct,
  wasWritten,
  withoutUndefined,
} from './control-row.ts'
import { longestDocumentBytes, type Product } from './product.ts'
import {
  type ProductVersion,
  parseCurrent,
  parseVersion,
  type StoredProduct,
  versionRowName,
} from './product-row.ts'

/** So many versions of a product are kept. */
export const versionLimit = 50

/** A document that an operator wants to become current. */
export type ProductChange = {
  readonly product: Product
  /** What stood there when the operator decided; undefined: nothing. */
  readonly seen: StoredProduct | undefined
  readonly appliedBy: string
  /** Epoch milliseconds. */
  readonly now: number
  /** Random: tells an own write whose answer was lost from somebody else's. */
  readonly applyId: string
  readonly note?: string | undefined
}

export type Applied =
  | { readonly applied: true; readonly version: number }
  /** Something else stands there than what was seen, or is being applied; none of it was touched. */
  | { readonly applied: false; readonly current: StoredProduct | undefined }

/** A product's row, read consistently; undefined where there is none. */
export async function findProduct(
  deps: ControlTable,
  name: string,
): Promise<StoredProduct | undefined> {
  const row = await readRow(deps, { kind: { S: 'product' }, name: { S: name } })
  return row && parseCurrent(row)
}

/** The document of one version, as JSON; undefined where that version isn't kept. */
export async function findVersionDocument(
  deps: ControlTable,
  name: string,
  version: number,
): Promise<string | undefined> {
  const row = await readRow(deps, versionKey(name, version))
  return row?.document?.S
}

/** The versions that are kept, the newest first, without their documents. */
export async function listVersions(
  { client, table, signal }: ControlTable,
  name: string,
): Promise<ProductVersion[]> {
  const query = {
    TableName: table,
    ConsistentRead: true,
    KeyConditionExpression: 'kind = :kind AND begins_with(#name, :prefix)',
    ProjectionExpression: '#version, applied_at, applied_by, apply_id, #note, replaces',
    ExpressionAttributeNames: { '#name': 'name', '#version': 'version', '#note': 'note' },
    ExpressionAttributeValues: { ':kind': { S: versionKind }, ':prefix': { S: `${name}#` } },
  }
  const versions: ProductVersion[] = []
  for await (const page of paginateQuery({ client }, query, { abortSignal: signal })) {
    for (const row of page.Items ?? []) {
      const version = parseVersion(row)
      if (version !== undefined) versions.push(version)
    }
  }
  return versions.sort((a, b) => b.version - a.version)
}

/**
 * Makes a document current. Two writes, in this order:
 *
 * 1. the version's own row, which must not be there yet and is never changed afterwards;
 * 2. the product's row, by compare-and-swap on version and document as they were seen.
 *
 * A crash before 1 leaves nothing. One between 1 and 2 leaves a version that was never current: the
 * history tells it by `replaces`, its number is not used again, and the product is what it was. Of two
 * that apply over the same version one loses, at 1 or at 2, and touches nothing of the other's. Edges
 * read the product's row only. Old versions go last.
 *
 * Throws AppError `products-unavailable` where the outcome isn't known.
 */
export async function applyProduct(deps: ControlTable, change: ProductChange): Promise<Applied> {
  const { product, seen, applyId } = change
  const document = JSON.stringify(product)
  if (Buffer.byteLength(document) > longestDocumentBytes) {
    throw new AppError(
      'invalid-request',
      `the document is longer than ${longestDocumentBytes} bytes`,
    )
  }
  const kept = await listVersions(deps, product.name)
  const version = Math.max(seen?.version ?? 0, ...kept.map((it) => it.version)) + 1
  const attributes = {
    document: { S: document },
    version: { N: String(version) },
    applied_at: { S: new Date(change.now).toISOString() },
    applied_by: { S: change.appliedBy },
    apply_id: { S: applyId },
    note: change.note === undefined ? undefined : { S: change.note },
    replaces: seen?.version === undefined ? undefined : { N: String(seen.version) },
  }
  const versionRow = versionKey(product.name, version)
  const put = new PutItemCommand({
    TableName: deps.table,
    Item: { ...versionRow, ...withoutUndefined(attributes) },
    ConditionExpression: 'attribute_not_exists(kind)',
  })
  const key = { kind: { S: 'product' }, name: { S: product.name } }
  const update = new UpdateItemCommand({
    TableName: deps.table,
    Key: key,
    ...swapProduct(seen, attributes),
  })
  const applied =
    (await wasWritten(deps, versionRow, applyId, (options) => deps.client.send(put, options))) &&
    (await wasWritten(deps, key, applyId, (options) => deps.client.send(update, options)))
  if (!applied) return { applied: false, current: await findProduct(deps, product.name) }
  // What can't be removed now is removed after the next change.
  await removeOldest(deps, product.name, kept.slice(versionLimit - 1)).catch(() => {})
  return { applied: true, version }
}

const versionKind = 'product-version'

function versionKey(name: string, version: number) {
  return { kind: { S: versionKind }, name: { S: versionRowName(name, version) } }
}

async function removeOldest(
  { client, table, signal }: ControlTable,
  name: string,
  old: readonly ProductVersion[],
): Promise<void> {
  for (const { version } of old) {
    const remove = new DeleteItemCommand({ TableName: table, Key: versionKey(name, version) })
    await client.send(remove, { abortSignal: signal })
  }
}

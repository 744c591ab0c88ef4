import { createPublicKey } from 'node:crypto'
import { type DynamoDBClient, PutItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb'
import type { TrustedSigner } from '../request/seed-request.ts'
import { type Product, productSchema } from './product.ts'

/** Every product as it stood when the control table was last read. */
export type ProductSnapshot = {
  readonly products: ReadonlyMap<string, Product>
  /** The signers that may use the seed contract, of all products. */
  readonly seedSigners: readonly TrustedSigner[]
  /** A sentence for each document that could not be used; its product is missing above. */
  readonly problems: readonly string[]
}

/**
 * Reads all products. Rows have the key (`kind` = "product", `name`) and the product as JSON in
 * `document`. Throws the SDK's error where the table can't be read; a wrong document only costs its
 * own product.
 */
export async function readProducts(
  client: DynamoDBClient,
  table: string,
  signal: AbortSignal,
): Promise<ProductSnapshot> {
  const products = new Map<string, Product>()
  const problems: string[] = []
  const query = {
    TableName: table,
    KeyConditionExpression: 'kind = :kind',
    ExpressionAttributeValues: { ':kind': { S: 'product' } },
  }
  for await (const page of paginateQuery({ client }, query, { abortSignal: signal })) {
    for (const row of page.Items ?? []) {
      const name = row.name?.S ?? '?'
      const parsed = parseDocument(row.document?.S)
      if (parsed.product?.name === name) products.set(name, parsed.product)
      else problems.push(`product ${name}: ${parsed.problem ?? 'its document has another name'}`)
    }
  }
  const { signers, problems: shared } = seedSigners(products.values())
  return { products, seedSigners: signers, problems: [...problems, ...shared] }
}

/** Writes a product's document, over whatever stood there. */
export async function putProduct(
  client: DynamoDBClient,
  table: string,
  product: Product,
): Promise<void> {
  await client.send(
    new PutItemCommand({
      TableName: table,
      Item: {
        kind: { S: 'product' },
        name: { S: product.name },
        document: { S: JSON.stringify(product) },
      },
    }),
  )
}

function parseDocument(text: string | undefined): { product?: Product; problem?: string } {
  if (text === undefined) return { problem: 'no document' }
  try {
    const parsed = productSchema.safeParse(JSON.parse(text))
    if (parsed.success) return { product: parsed.data }
    const [issue] = parsed.error.issues
    return { problem: `${issue?.path.join('.')}: ${issue?.message}` }
  } catch {
    return { problem: 'its document is no JSON' }
  }
}

/** A key that two products name would make a device's product ambiguous: the first by name keeps it. */
function seedSigners(products: Iterable<Product>) {
  const signers: TrustedSigner[] = []
  const problems: string[] = []
  for (const product of [...products].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    for (const { kid, jwk, contracts } of product.signers) {
      if (!contracts.includes('seed')) continue
      const key = createPublicKey({ key: jwk, format: 'jwk' })
      const owner = signers.find((it) => it.key.equals(key))
      if (owner === undefined) signers.push({ product: product.name, kid, key })
      else problems.push(`product ${product.name}: signer ${kid} is product ${owner.product}'s`)
    }
  }
  return { signers, problems }
}

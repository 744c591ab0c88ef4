import { createPublicKey, X509Certificate } from 'node:crypto'
import { type DynamoDBClient, PutItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb'
import type { TrustedCa } from '../request/factory-chain.ts'
import { isSameKey } from '../request/same-key.ts'
import type { TrustedSigner } from '../request/seed-request.ts'
import { algorithmsOf } from '../request/signing-jwk.ts'
import { type Product, productSchema } from './product.ts'
import { parseCurrent } from './product-row.ts'

/** Every product as it stood when the control table was last read. */
export type ProductSnapshot = {
  readonly products: ReadonlyMap<string, Product>
  /** The version of each product that an operator applied; none for a row written by hand. */
  readonly versions: ReadonlyMap<string, number>
  /** The signers of all products. */
  readonly signers: readonly TrustedSigner[]
  /** The authorities that certify devices, of all products. */
  readonly factoryCas: readonly TrustedCa[]
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
  const versions = new Map<string, number>()
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
      if (parsed.product?.name === name) {
        products.set(name, parsed.product)
        const { version } = parseCurrent(row)
        if (version !== undefined) versions.set(name, version)
      } else problems.push(`product ${name}: ${parsed.problem ?? 'its document has another name'}`)
    }
  }
  const { signers, problems: shared } = trustedSigners(products.values())
  const factoryCas = [...products.values()].flatMap(trustedCas)
  return { products, versions, signers, factoryCas, problems: [...problems, ...shared] }
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
function trustedSigners(products: Iterable<Product>) {
  const signers: TrustedSigner[] = []
  const problems: string[] = []
  for (const product of [...products].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    for (const { jwk, ...signer } of product.signers) {
      const { kid, algorithms = algorithmsOf(jwk) } = signer
      const key = createPublicKey({ key: jwk, format: 'jwk' })
      const owner = signers.find((it) => isSameKey(it.key, key))
      if (owner !== undefined && owner.product !== product.name) {
        problems.push(`product ${product.name}: signer ${kid} is product ${owner.product}'s`)
      } else signers.push({ ...signer, product: product.name, jwk, key, algorithms })
    }
  }
  return { signers, problems }
}

function trustedCas({ name: product, factoryCas = [] }: Product): TrustedCa[] {
  return factoryCas.map(({ certificatePem, ...ca }) => {
    return { ...ca, product, certificate: new X509Certificate(certificatePem).raw }
  })
}

import { createPublicKey } from 'node:crypto'
import type { ControlTable } from '../../products/control-row.ts'
import { readProducts } from '../../products/control-table.ts'
import { readProductDocument } from '../../products/document-problems.ts'
import type { Product } from '../../products/product.ts'
import type { StoredProduct } from '../../products/product-row.ts'
import { findProduct } from '../../products/product-store.ts'
import { isSameKey } from '../../request/same-key.ts'
import type { SigningJwk } from '../../request/signing-jwk.ts'
import { awsFailure } from '../aws-failure.ts'
import { type AwsFlags, openAws } from '../aws-flags.ts'
import { callerArn } from '../caller.ts'
import { CommandFailure } from '../failure.ts'
import type { CommandContext } from '../program.ts'

export const defaultControlTable = 'iot-global-control'

export type ControlAccess = ControlTable & {
  /** The ARN that AWS knows this caller by. */
  caller(): Promise<string>
}

/** The control table that the flags name. */
export async function openControlTable(
  flags: AwsFlags,
  { signal }: CommandContext,
): Promise<ControlAccess> {
  const aws = await openAws(flags)
  return {
    client: aws.dynamodb,
    table: flags.table ?? aws.local?.controlTable ?? defaultControlTable,
    signal,
    caller: () => callerArn(aws, signal),
  }
}

/** Runs calls to AWS; a failure becomes the command's. */
export async function onAws<T>(doing: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw error instanceof CommandFailure ? error : awsFailure(doing, error)
  }
}

/** A product's row; the command ends where there is none. */
export async function getStored(access: ControlAccess, name: string): Promise<StoredProduct> {
  const stored = await onAws(`product ${name} can’t be read`, () => findProduct(access, name))
  if (stored !== undefined) return stored
  throw new CommandFailure(`there is no product ${name}`, { hint: 'npx landfall product list' })
}

/** The value of a stored document, whatever it is; undefined where it is no JSON. */
export function parseStored(document: string | undefined): unknown {
  try {
    return document === undefined ? undefined : JSON.parse(document)
  } catch {
    return undefined
  }
}

/** A stored document as a product; the command ends where it is none any more. */
export function getProduct(what: string, document: string | undefined): Product {
  const read = readProductDocument(parseStored(document))
  if ('product' in read) return read.product
  const problems = read.problems.map((it) => `${it.path.join('.') || 'it'} ${it.message}`)
  throw new CommandFailure(`${what} is no usable product: ${problems.join('; ')}`, {
    hint: 'correct it in a file, and apply that',
  })
}

/** Whose a key of this product is already: a device's product would be ambiguous. */
export async function findSharedSigners(
  access: ControlAccess,
  { name, signers }: Product,
): Promise<string[]> {
  const { products } = await readProducts(access.client, access.table, access.signal)
  return [...products.values()]
    .filter((other) => other.name !== name)
    .flatMap((other) =>
      signers.flatMap(({ kid, jwk }) =>
        other.signers.some((it) => isSameJwk(it.jwk, jwk))
          ? [`signer ${kid}: its key is product ${other.name}’s already`]
          : [],
      ),
    )
}

function isSameJwk(one: SigningJwk, other: SigningJwk): boolean {
  const importKey = (jwk: SigningJwk) => createPublicKey({ key: jwk, format: 'jwk' })
  return isSameKey(importKey(one), importKey(other))
}

import type { Product } from '../../products/product.ts'
import type { AwsFlags } from '../aws-flags.ts'
import type { CommandContext } from '../program.ts'
import { getProduct, getStored, openControlTable } from './control-access.ts'
import { getDocument } from './document-file.ts'

/** A product that the command line names, and what to call it. */
export type Subject = {
  readonly product: Product
  /** `lamps.yaml`, or `lamps, version 3`. */
  readonly label: string
}

/** A document where it looks like a file, else the product of that name. */
export async function getSubject(
  named: string,
  flags: AwsFlags,
  context: CommandContext,
): Promise<Subject> {
  if (/[/\\]|\.(ya?ml|json)$/i.test(named)) {
    return { product: await getDocument(named, context.terminal), label: named }
  }
  const stored = await getStored(await openControlTable(flags, context), named)
  const version = stored.version === undefined ? 'written by hand' : `version ${stored.version}`
  return {
    product: getProduct(`product ${named}`, stored.document),
    label: `${named}, ${version}`,
  }
}

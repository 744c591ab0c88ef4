import { findProduct } from '../../products/product-store.ts'
import type { CommandContext } from '../program.ts'
import type { ApplyFlags } from './command.ts'
import { onAws, openControlTable } from './control-access.ts'
import { getDocument } from './document-file.ts'
import { makeCurrent } from './make-current.ts'

/** `landfall product apply`: by compare-and-swap on what its difference was shown to. */
export async function applyFile(
  path: string,
  flags: ApplyFlags,
  context: CommandContext,
): Promise<void> {
  const product = await getDocument(path, context.terminal)
  const access = await openControlTable(flags, context)
  const seen = await onAws(`product ${product.name} can’t be read`, () =>
    findProduct(access, product.name),
  )
  await makeCurrent(access, { product, seen }, flags, context)
}

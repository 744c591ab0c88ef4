import { findVersionDocument } from '../../products/product-store.ts'
import { CommandFailure } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import type { ApplyFlags } from './command.ts'
import { getProduct, getStored, onAws, openControlTable } from './control-access.ts'
import { makeCurrent } from './make-current.ts'

/** `landfall product rollback`: an earlier document becomes a new version; the history only grows. */
export async function rollBack(
  { name, version: asked }: { name: string; version: number | undefined },
  flags: ApplyFlags,
  context: CommandContext,
): Promise<void> {
  const access = await openControlTable(flags, context)
  const seen = await getStored(access, name)
  const version = asked ?? seen.replaces
  if (version === undefined) {
    throw new CommandFailure(`${name} has no version before`, {
      hint: `npx landfall product history ${name}`,
    })
  }
  const document = await onAws(`version ${version} of ${name} can’t be read`, () =>
    findVersionDocument(access, name, version),
  )
  if (document === undefined) {
    throw new CommandFailure(`version ${version} of ${name} isn’t kept`, {
      hint: `npx landfall product history ${name}`,
    })
  }
  const product = getProduct(`version ${version} of ${name}`, document)
  await makeCurrent(access, { product, seen, note: `rollback to ${version}` }, flags, context)
}

import { stringify } from 'yaml'
import { findVersionDocument } from '../../products/product-store.ts'
import { CommandFailure } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import type { ProductFlags } from './command.ts'
import { getStored, onAws, openControlTable, parseStored } from './control-access.ts'

/** `landfall product show`: the document as YAML that `apply` takes again, or all that is known as JSON. */
export async function showProduct(
  asked: { name: string; version: number | undefined },
  flags: ProductFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context
  const { name } = asked
  const access = await openControlTable(flags, context)
  const { document: newest, ...stored } = await getStored(access, name)
  const { version = stored.version } = asked
  const isCurrent = version === stored.version
  const text = isCurrent
    ? newest
    : await onAws(`version ${version} of ${name} can’t be read`, () =>
        findVersionDocument(access, name, version ?? 0),
      )
  const document = parseStored(text)
  if (document === undefined) {
    throw new CommandFailure(`${name} has no document of version ${version ?? 'none'}`, {
      hint: `npx landfall product history ${name}`,
    })
  }
  if (flags.json === true) {
    terminal.json(isCurrent ? { ...stored, document } : { name, version, document })
    return
  }
  terminal.out(`# product ${name}, version ${version ?? 'written by hand'}`)
  if (isCurrent && stored.appliedAt !== undefined) {
    terminal.out(`# applied ${stored.appliedAt} by ${stored.appliedBy ?? 'somebody'}`)
  }
  terminal.out(stringify(document).trimEnd())
}

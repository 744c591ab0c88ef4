import { listVersions } from '../../products/product-store.ts'
import { stateOf } from '../../products/version-state.ts'
import type { CommandContext } from '../program.ts'
import type { ProductFlags } from './command.ts'
import { getStored, onAws, openControlTable } from './control-access.ts'

/** `landfall product history`: the versions that are kept, the newest first. */
export async function showHistory(
  name: string,
  flags: ProductFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context
  const access = await openControlTable(flags, context)
  // The versions first: what is written between the two reads can't look as if it had failed.
  const versions = await onAws(`the history of ${name} can’t be read`, () =>
    listVersions(access, name),
  )
  const stored = await getStored(access, name)
  const states = stateOf(stored, versions)
  if (flags.json === true) {
    for (const it of versions) {
      terminal.json({ name, ...it, state: states.get(it.version) ?? 'unknown' })
    }
    return
  }
  if (stored.version === undefined) {
    terminal.note('note: the product as it stands was written by hand, and is no version')
  }
  terminal.table(
    ['version', 'applied', 'state', 'by', 'note'],
    versions.map((it) => [
      String(it.version),
      it.appliedAt ?? '-',
      states.get(it.version) ?? 'unknown',
      it.appliedBy ?? '-',
      it.note ?? '',
    ]),
  )
}

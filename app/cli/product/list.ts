import { readProducts } from '../../products/control-table.ts'
import type { CommandContext } from '../program.ts'
import type { ProductFlags } from './command.ts'
import { onAws, openControlTable } from './control-access.ts'

/** `landfall product list`: the products as an edge reads them, and the documents that it can't use. */
export async function listProducts(flags: ProductFlags, context: CommandContext): Promise<void> {
  const { terminal } = context
  const access = await openControlTable(flags, context)
  const { products, problems } = await onAws('the products can’t be read', () =>
    readProducts(access.client, access.table, access.signal),
  )
  const all = [...products.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const rows = all.map(({ name, signers, regionPolicy }) => ({
    name,
    signers: signers.map((it) => it.kid),
    defaultRegion: regionPolicy.defaultRegion,
    strategy: regionPolicy.strategy,
    rules: regionPolicy.rules.length,
  }))
  if (flags.json === true) for (const row of rows) terminal.json(row)
  else {
    terminal.table(
      ['product', 'signers', 'default region', 'strategy', 'rules'],
      rows.map((it) => [
        it.name,
        it.signers.join(', '),
        it.defaultRegion,
        it.strategy,
        String(it.rules),
      ]),
    )
  }
  for (const problem of problems) terminal.note(`warning: ${problem}`)
}

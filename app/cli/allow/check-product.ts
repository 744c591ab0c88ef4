import { findClosestName } from '../../../regions/closest-name.ts'
import type { EdgeConfig } from '../../edge/config.ts'
import { readProducts } from '../../products/control-table.ts'
import { awsFailure } from '../aws-failure.ts'
import { CommandFailure, misuse } from '../failure.ts'
import { openControlTable } from '../product/control-access.ts'
import type { CommandContext } from '../program.ts'
import type { DeviceFlags } from './device-flags.ts'

/**
 * Refuses a product that isn't there: its devices would be refused one by one, by edges. Whoever may not
 * read the control table adds devices all the same, and is told that nothing was checked.
 */
export async function checkProduct(
  name: string,
  flags: DeviceFlags,
  config: EdgeConfig | undefined,
  context: CommandContext,
): Promise<void> {
  const { table: allowList, ...where } = flags
  // Another deployment's allow-list: which control table belongs to it isn't known.
  if (allowList !== undefined && config === undefined) return
  const region = flags.region ?? config?.region
  const control = await openControlTable(
    {
      ...where,
      ...(region === undefined ? {} : { region }),
      ...(config === undefined ? {} : { table: config.tables.control }),
    },
    context,
  )
  const known = await readProducts(control.client, control.table, control.signal)
    .catch((error: unknown) => awsFailure(`product ${name} isn’t checked`, error))
    .finally(() => control.client.destroy())
  if (known instanceof CommandFailure) {
    context.terminal.note(`note: ${known.message}`)
    return
  }
  if (known.products.has(name)) return
  const meant = findClosestName(name, [...known.products.keys()])
  throw misuse(
    `there is no usable product ${name}`,
    meant === undefined ? 'npx landfall product list' : `did you mean ${meant}?`,
  )
}

import { findRegion } from '../../../regions/catalogue.ts'
import type { EdgeConfig } from '../../edge/config.ts'
import { readConfigFile } from '../config-file.ts'
import { misuse } from '../failure.ts'
import { readLocalJson } from '../local/local-json.ts'
import { type ControlAccess, openControlTable } from '../product/control-access.ts'
import type { CommandContext } from '../program.ts'
import type { RegionFlags } from './command.ts'

/** The control table, and the configuration of an edge where one is named. */
export type RegionAccess = {
  readonly control: ControlAccess
  readonly config: EdgeConfig | undefined
}

/** Flags go before the configuration, and that before the defaults. */
export async function openRegions(
  flags: RegionFlags,
  context: CommandContext,
): Promise<RegionAccess> {
  const local = flags.local === undefined ? undefined : await readLocalJson(flags.local)
  const file = flags.config ?? local?.edgeConfigFile
  const config = file === undefined ? undefined : await readConfigFile(file, context.env)
  const region = flags.region ?? config?.region
  const table = flags.table ?? config?.tables.control
  const named = { ...(region === undefined ? {} : { region }), ...(table && { table }) }
  return { control: await openControlTable({ ...flags, ...named }, context), config }
}

/** A region that an operator means: one of AWS's, and where the configuration is known one of its own. */
export function checkRegion(region: string, config: EdgeConfig | undefined): void {
  if (findRegion(region) === undefined) {
    throw misuse(`${region} is no Region with AWS IoT Core`, 'for example eu-west-1')
  }
  const enabled = config?.deviceRegions.map((it) => it.region)
  if (enabled !== undefined && !enabled.includes(region)) {
    throw misuse(`${region} is not enabled`, `enabled: ${enabled.join(', ')}`)
  }
}

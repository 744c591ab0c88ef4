import type { Command } from 'commander'
import { addAwsFlags } from '../aws-flags.ts'
import type { AllowFlags } from './command.ts'

/** Of the commands on single devices. */
export type DeviceFlags = AllowFlags & { config?: string }

/** What they have in common: whom they are about, where that is kept, and how they answer. */
export function addDeviceFlags(command: Command): Command {
  return addAwsFlags(command.argument('<name...>', 'thing names, or - to read them from stdin'))
    .option(
      '--config <file>',
      'the edge’s configuration: gives Region, table, and the device regions with their roles',
    )
    .option('--json', 'one JSON object a line')
}

export const commonHelp = `
- reads names from stdin, one a line; nothing is done before all of them were read.
Exit codes: 0 done, 1 not done for each device (the same command again goes on), 2 the command line is wrong,
130 interrupted: what was under way is finished, and the same command goes on.
`

/** For commands that ask a device's regions. */
export const regionsHelp = `
Regions are reached through the operatorRoleArn of --config (of --local: local.json’s own configuration);
without one by the caller’s own credentials, in the caller’s account.`

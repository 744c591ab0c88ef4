import type { Command } from 'commander'
import type { CommandContext } from '../program.ts'
import { addDeviceFlags, commonHelp, type DeviceFlags, regionsHelp } from './device-flags.ts'

export type ShowFlags = DeviceFlags & { recordOnly?: true }

export function addShowCommand(allow: Command, context: CommandContext): void {
  addDeviceFlags(allow.command('show'))
    .summary('where devices are, and why')
    .description(
      'Shows devices: the record, with the region and why; the certificate as it stands in its region now, and what to do where it isn’t as the record has it; what happened, when, and by whom.',
    )
    .option('--record-only', 'ask no region')
    .addHelpText('after', HELP)
    .action(async (names: string[], flags: ShowFlags) => {
      const { showDevices } = await import('./show.ts')
      await showDevices(names, flags, context)
    })
}

const HELP = `${regionsHelp}
A region that can't be reached is said, and the rest is shown.
${commonHelp}
With --json the device record, times in milliseconds since 1970, and besides:
  certificate  its certificate in its region: status (ACTIVE, INACTIVE, gone), things, policies
  drift        where the region isn't as the record has it: what, and the remedy
  problems     the regions that could not be asked

Examples:
  $ npx landfall allow show mydevice1 --local .landfall/local/local.json
  $ npx landfall allow show mydevice1 mydevice2 --config edge.yaml --profile fleet
  $ npx landfall allow show mydevice1 --region eu-west-1 --record-only --json`

import type { Command } from 'commander'
import type { CommandContext } from '../program.ts'
import { addDeviceFlags, commonHelp, type DeviceFlags } from './device-flags.ts'

export function addUnblockCommand(allow: Command, context: CommandContext): void {
  addDeviceFlags(allow.command('unblock'))
    .summary('let blocked devices provision again')
    .description(
      'Lets blocked devices ask again. One that isn’t blocked is left as it is, and is done. What they had stays out of service: a device gets a new certificate at its next request.',
    )
    .addHelpText('after', HELP)
    .action(async (names: string[], flags: DeviceFlags) => {
      const { unblockDevices } = await import('./unblock.ts')
      await unblockDevices(names, flags, context)
    })
}

const HELP = `${commonHelp}With --json: thingName, unblocked, changed (false: it wasn't blocked), or the reason where it isn't.

Examples:
  $ npx landfall allow unblock mydevice2 --local .landfall/local/local.json
  $ npx landfall allow unblock mydevice2 --region eu-west-1 --profile fleet --json`

import type { Command } from 'commander'
import type { CommandContext } from '../program.ts'
import { addDeviceFlags, commonHelp, type DeviceFlags, regionsHelp } from './device-flags.ts'

export type ResetFlags = DeviceFlags & { yes?: true }

export function addResetCommand(allow: Command, context: CommandContext): void {
  addDeviceFlags(allow.command('reset'))
    .summary('let devices provision anew')
    .description(
      'Lets devices provision anew, with whatever key: for one that lost its key, or whose certificate a hand deactivated. What a device had becomes INACTIVE for good and is detached, which is read back before the device may ask. An attempt under way is cut off.',
    )
    .option('--yes', 'don’t ask; needed with -')
    .addHelpText('after', HELP)
    .action(async (names: string[], flags: ResetFlags) => {
      const { resetDevices } = await import('./reset.ts')
      await resetDevices(names, flags, context)
    })
}

const HELP = `${regionsHelp}
${commonHelp}Code 1 also where what a device had may still be usable: its next request then waits for its region.
With --json: thingName, reset, the reason where it isn't; certificates (region, certificateId, status), problems.

Examples:
  $ npx landfall allow reset mydevice3 --local .landfall/local/local.json
  $ npx landfall allow reset mydevice3 --config edge.yaml --profile fleet --yes --json`

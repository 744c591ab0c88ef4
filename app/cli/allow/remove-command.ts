import type { Command } from 'commander'
import type { CommandContext } from '../program.ts'
import { addDeviceFlags, commonHelp, type DeviceFlags, regionsHelp } from './device-flags.ts'

export type RemoveFlags = DeviceFlags & { yes?: true }

export function addRemoveCommand(allow: Command, context: CommandContext): void {
  addDeviceFlags(allow.command('remove'))
    .summary('take devices from the list')
    .description(
      'Takes devices from the list. A name that isn’t in it is done. What a device has is destroyed first: it is blocked, its certificates are deactivated, detached and deleted; then its row goes, with its history. Its thing stays in its region. To keep a device out and know why, block it instead.',
    )
    .option('--yes', 'don’t ask; needed with -')
    .addHelpText('after', HELP)
    .action(async (names: string[], flags: RemoveFlags) => {
      const { removeDevices } = await import('./remove.ts')
      await removeDevices(names, flags, context)
    })
}

const HELP = `${regionsHelp}
${commonHelp}Code 1 also where what a device has could not all be destroyed: it is blocked then, and in the list.
With --json: thingName, removed, changed (false: it wasn't in the list), the reason where it isn't removed;
destroyed (region, certificateId), problems.

Examples:
  $ npx landfall allow remove mydevice2 --local .landfall/local/local.json
  $ npx landfall allow remove - --config edge.yaml --profile fleet --yes <scrapped.txt`

import type { Command } from 'commander'
import type { CommandContext } from '../program.ts'
import { addDeviceFlags, commonHelp, type DeviceFlags } from './device-flags.ts'

export type MoveFlags = DeviceFlags & { to: string }

export function addMoveCommand(allow: Command, context: CommandContext): void {
  addDeviceFlags(allow.command('move'))
    .summary('send devices to another region')
    .description(
      'Pins devices to a region. A provisioned device keeps its certificate until it asks again, with whatever key; then it gets a new one in that region, and the old one becomes INACTIVE. An attempt under way is cut off.',
    )
    .requiredOption('--to <region>', 'the region')
    .addHelpText('after', HELP)
    .action(async (names: string[], flags: MoveFlags) => {
      const { moveDevices } = await import('./move.ts')
      await moveDevices(names, flags, context)
    })
}

const HELP = `${commonHelp}With --json: thingName, moved, region, or the reason where it isn't.

Examples:
  $ npx landfall allow move mydevice1 --to eu-central-1 --local .landfall/local/local.json
  $ npx landfall allow move mydevice1 mydevice2 --to us-east-1 --region eu-west-1 --json`

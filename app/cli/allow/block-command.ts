import type { Command } from 'commander'
import type { CommandContext } from '../program.ts'
import { addDeviceFlags, commonHelp, type DeviceFlags, regionsHelp } from './device-flags.ts'

export type BlockFlags = DeviceFlags & { yes?: true }

export function addBlockCommand(allow: Command, context: CommandContext): void {
  addDeviceFlags(allow.command('block'))
    .summary('cut devices off')
    .description(
      'Cuts devices off, in one step: the record first, so that nothing under way can still become usable; then the certificate becomes INACTIVE for good and is detached, and that is read back. Connections that are open may last some minutes more.',
    )
    .option('--yes', 'don’t ask; needed with -')
    .addHelpText('after', HELP)
    .action(async (names: string[], flags: BlockFlags) => {
      const { blockDevices } = await import('./block.ts')
      await blockDevices(names, flags, context)
    })
}

const HELP = `${regionsHelp}
${commonHelp}Code 1 also where a certificate may still be usable: its device is blocked all the same.
With --json: thingName, blocked, the reason where it isn't; certificates (region, certificateId, status),
problems, milliseconds from the order to the end of reading back.

Examples:
  $ npx landfall allow block mydevice2 --local .landfall/local/local.json
  $ npx landfall allow block mydevice2 mydevice3 --config edge.yaml --profile fleet --yes
  $ npx landfall allow block - --config edge.yaml --yes --json <stolen.txt`

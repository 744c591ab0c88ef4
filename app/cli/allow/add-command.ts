import type { Command } from 'commander'
import { attribute } from '../options.ts'
import type { CommandContext } from '../program.ts'
import { addDeviceFlags, commonHelp, type DeviceFlags } from './device-flags.ts'

export type AddFlags = DeviceFlags & {
  product?: string
  attribute?: Record<string, string>
  publicKey?: string
}

export function addAddCommand(allow: Command, context: CommandContext): void {
  addDeviceFlags(allow.command('add'))
    .summary('let devices be provisioned')
    .description(
      'Adds devices that may be provisioned. A device that is in the list is left as it is, and reported.',
    )
    .option('--product <name>', 'their product, which must be there (default: the default product)')
    .option(
      '--attribute <name=value>',
      'for the product’s region rules; may be repeated',
      attribute,
    )
    .option(
      '--public-key <file>',
      'the device’s own public key, JWK or PEM, - for stdin: no other signs for it then',
    )
    .addHelpText('after', HELP)
    .action(async (names: string[], flags: AddFlags) => {
      const { addDevices } = await import('./add.ts')
      await addDevices(names, flags, context)
    })
}

const HELP = `${commonHelp}A name that is in the list already counts as not done: code 1, also where the same command added it before.
With --json: thingName, added.
--product is looked up in the control table, unless --table names an allow-list without --config or --local.

Examples:
  $ npx landfall allow add mydevice1 mydevice2 --local .landfall/local/local.json
  $ npx landfall allow add lamp-0001 --region eu-west-1 --profile fleet --product lamps
  $ npx landfall allow add lamp-0002 --region eu-west-1 --attribute plan=gold
  $ npx landfall allow add lamp-0003 --region eu-west-1 --public-key lamp-0003.pub.pem
  $ npx landfall allow add - --region eu-west-1 <names.txt`

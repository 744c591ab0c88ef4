import type { Command } from 'commander'
import { type AwsFlags, addAwsFlags } from '../aws-flags.ts'
import { attribute } from '../options.ts'
import type { CommandContext } from '../program.ts'
import { importCommand } from './import/command.ts'

export type AllowFlags = AwsFlags & { json?: true }
export type AddFlags = AllowFlags & { product?: string; attribute?: Record<string, string> }
export type BlockFlags = AllowFlags & { yes?: true }
export type MoveFlags = AllowFlags & { to: string }

export function allowCommand(program: Command, context: CommandContext): void {
  const allow = program
    .command('allow')
    .summary('which devices may be provisioned: the allow-list')
    .description('The allow-list: which devices may be provisioned, and what became of each.')
    .addHelpText('after', EXAMPLES)

  addAwsFlags(allow.command('add'))
    .summary('let devices be provisioned')
    .description(
      'Adds devices that may be provisioned. A device that is in the list is left as it is, and reported.',
    )
    .argument('<name...>', 'thing names')
    .option('--product <name>', 'their product (default: the default product)')
    .option(
      '--attribute <name=value>',
      'for the product’s region rules; may be repeated',
      attribute,
    )
    .option('--json', 'one JSON object a line')
    .addHelpText('after', ADD_EXAMPLES)
    .action(async (names: string[], flags: AddFlags) => {
      const { addDevices } = await import('./add.ts')
      await addDevices(names, flags, context)
    })

  importCommand(allow, context)

  addAwsFlags(allow.command('show'))
    .summary('where devices are, and why')
    .description('Shows the record of devices: status, region and why, certificate, history.')
    .argument('<name...>', 'thing names')
    .option('--json', 'one JSON object a line: the device record')
    .addHelpText('after', SHOW_EXAMPLES)
    .action(async (names: string[], flags: AllowFlags) => {
      const { showDevices } = await import('./show.ts')
      await showDevices(names, flags, context)
    })

  addAwsFlags(allow.command('move'))
    .summary('send devices to another region')
    .description(
      'Pins devices to a region. A provisioned device keeps its certificate until it asks again, with whatever key; then it gets a new one in that region, and the old one becomes INACTIVE. An attempt under way is cut off.',
    )
    .argument('<name...>', 'thing names')
    .requiredOption('--to <region>', 'the region')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', MOVE_EXAMPLES)
    .action(async (names: string[], flags: MoveFlags) => {
      const { moveDevices } = await import('./move.ts')
      await moveDevices(names, flags, context)
    })

  addAwsFlags(allow.command('block'))
    .summary('take devices out of service')
    .description(
      'Blocks devices: the record first, so that nothing under way can still become usable, then the certificate becomes INACTIVE for good. Connections that are open may last some minutes more.',
    )
    .argument('<name...>', 'thing names')
    .option('--yes', 'don’t ask')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', BLOCK_EXAMPLES)
    .action(async (names: string[], flags: BlockFlags) => {
      const { blockDevices } = await import('./block.ts')
      await blockDevices(names, flags, context)
    })
}

const EXAMPLES = `
Examples:
  $ npx landfall allow add mydevice1 mydevice2 --local .landfall/local/local.json
  $ npx landfall allow show mydevice1 --region eu-west-1 --profile fleet
  $ npx landfall allow block mydevice2 --local .landfall/local/local.json --yes`

const ADD_EXAMPLES = `
Examples:
  $ npx landfall allow add mydevice1 mydevice2 --local .landfall/local/local.json
  $ npx landfall allow add lamp-0001 --region eu-west-1 --profile fleet --product lamps
  $ npx landfall allow add lamp-0002 --region eu-west-1 --attribute plan=gold`

const SHOW_EXAMPLES = `
Examples:
  $ npx landfall allow show mydevice1 --local .landfall/local/local.json
  $ npx landfall allow show mydevice1 mydevice2 --region eu-west-1 --json`

const MOVE_EXAMPLES = `
Examples:
  $ npx landfall allow move mydevice1 --to eu-central-1 --local .landfall/local/local.json
  $ npx landfall allow move mydevice1 mydevice2 --to us-east-1 --region eu-west-1 --json`

const BLOCK_EXAMPLES = `
Examples:
  $ npx landfall allow block mydevice2 --local .landfall/local/local.json
  $ npx landfall allow block mydevice2 mydevice3 --region eu-west-1 --yes`

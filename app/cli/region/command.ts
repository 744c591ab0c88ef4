import type { Command } from 'commander'
import { type AwsFlags, addAwsFlags } from '../aws-flags.ts'
import type { CommandContext } from '../program.ts'

export type RegionFlags = AwsFlags & { config?: string; json?: true }
export type DrainFlags = RegionFlags & { note?: string; preview?: true }

const table = 'the control table (default: the configuration’s, else iot-global-control)'

export function regionCommand(program: Command, context: CommandContext): void {
  const region = program
    .command('region')
    .summary('where new devices may go now: status, breakers, drain')
    .description('Regions: how each one is, and whether new devices go there.')
    .addHelpText('after', EXAMPLES)

  addFlags(region.command('list'))
    .summary('how each region is')
    .description(
      'Lists the regions: what operators say of each, how its breaker stands at each edge and what it last broke for, role, endpoint, and the default quota of certificates a second.',
    )
    .option('--json', 'one JSON object a line')
    .addHelpText('after', LIST_EXAMPLES)
    .action(async (flags: RegionFlags) => {
      const { listRegions } = await import('./list.ts')
      await listRegions(flags, context)
    })

  addFlags(region.command('drain'))
    .summary('send a region no new devices')
    .description(
      'Drains a region: within 10 s every edge sends new devices elsewhere, as their product’s policy says. Devices that have the region keep it; devices that are pinned to it still go there; where a strict rule leaves no other region, new ones are told to wait.',
    )
    .argument('<region>', 'the region')
    .option('--note <text>', 'why, for whoever lists the regions')
    .option('--preview', 'change nothing: say how many devices a day would go where instead')
    .option('--json', 'print one JSON object')
    .addHelpText('after', DRAIN_EXAMPLES)
    .action(async (name: string, flags: DrainFlags) => {
      if (flags.preview === true) {
        const { previewDrain } = await import('./preview.ts')
        return await previewDrain(name, flags, context)
      }
      const { drainRegion } = await import('./set-status.ts')
      await drainRegion(name, flags, context)
    })

  addFlags(region.command('restore'))
    .summary('send a region new devices again')
    .description('Ends a drain: within 10 s every edge sends the region new devices again.')
    .argument('<region>', 'the region')
    .option('--json', 'print one JSON object')
    .addHelpText('after', RESTORE_EXAMPLES)
    .action(async (name: string, flags: RegionFlags) => {
      const { restoreRegion } = await import('./set-status.ts')
      await restoreRegion(name, flags, context)
    })
}

function addFlags(command: Command): Command {
  return addAwsFlags(command, table).option(
    '--config <file>',
    'the edge’s configuration: gives the enabled regions and the tables',
  )
}

const EXAMPLES = `
Examples:
  $ npx landfall region list --local .landfall/local/local.json
  $ npx landfall region drain eu-west-1 --note "AWS reports errors" --local .landfall/local/local.json
  $ npx landfall region restore eu-west-1 --local .landfall/local/local.json`

const LIST_EXAMPLES = `
Examples:
  $ npx landfall region list --local .landfall/local/local.json
  $ npx landfall region list --config edge.yaml --profile fleet --json`

const DRAIN_EXAMPLES = `
Examples:
  $ npx landfall region drain eu-west-1 --preview --local .landfall/local/local.json
  $ npx landfall region drain eu-west-1 --config edge.yaml --profile fleet`

const RESTORE_EXAMPLES = `
Examples:
  $ npx landfall region restore eu-west-1 --local .landfall/local/local.json
  $ npx landfall region restore eu-west-1 --config edge.yaml --profile fleet`

import type { Command } from 'commander'
import { addAwsFlags } from '../aws-flags.ts'
import type { CommandContext } from '../program.ts'
import type { AllowFlags } from './command.ts'
import { segments } from './export-command.ts'

export type StatsFlags = AllowFlags & { segments?: number; yes?: true }

export function addStatsCommand(allow: Command, context: CommandContext): void {
  addAwsFlags(allow.command('stats'))
    .summary('how many devices, by status, product and region')
    .description(
      'Counts the devices by status, by product and by the region that their record names. It reads the whole table: it says what that costs, and asks. Rows that are no device record are counted, too.',
    )
    .option(
      '--segments <n>',
      'read in so many parts at once (default: by size, 4 at most)',
      segments,
    )
    .option('--yes', 'don’t ask what the scan may cost')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: StatsFlags) => {
      const { countDevices } = await import('./stats.ts')
      await countDevices(flags, context)
    })
}

const EXAMPLES = `
With --json: table, devices, unreadable, statuses, products, regions (null: none), groups (by all three),
readUnits.

Exit codes: 0 done, 1 failed, 2 the command line is wrong, 130 interrupted.

Examples:
  $ npx landfall allow stats --local .landfall/local/local.json
  $ npx landfall allow stats --region eu-west-1 --profile fleet --yes --json`

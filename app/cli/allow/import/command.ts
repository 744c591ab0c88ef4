import type { Command } from 'commander'
import { type AwsFlags, addAwsFlags } from '../../aws-flags.ts'
import { integer, list, seconds } from '../../options.ts'
import type { DeploymentFlags } from '../../product/deployment.ts'
import type { CommandContext } from '../../program.ts'
import { keepHeapSmall } from './small-heap.ts'

export type ImportFlags = AwsFlags &
  DeploymentFlags & {
    controlTable?: string
    dryRun?: true
    update?: true
    rejects?: string
    fromLine: number
    parallel: number
    progress: number
    json?: true
  }

export function importCommand(allow: Command, context: CommandContext): void {
  addAwsFlags(allow.command('import'))
    .summary('load a fleet from a file')
    .description(
      'Loads devices from a CSV, whose header names the columns, or from NDJSON, either also gzipped. Each row is checked, and written only where no row of that name is there: importing twice changes nothing.',
    )
    .argument('<file>', 'the file; - for stdin')
    .option('--control-table <name>', 'where the products are (default: iot-global-control)')
    .option(
      '--config <file>',
      'an edge’s configuration: gives Region, tables, and the enabled regions',
    )
    .option('--regions <names>', 'the enabled regions, by comma (default: all of AWS IoT)', list)
    .option('--dry-run', 'check, and say what would be done; write nothing')
    .option('--update', 'also change devices that are there and not provisioned yet')
    .option(
      '--rejects <file>',
      'where rejected rows go (default: beside the file, as .rejects; of a pipe: here)',
    )
    .option('--from-line <n>', 'pass over rows of earlier lines', integer(1, 1_000_000_000_000), 1)
    .option('--parallel <n>', 'rows at once, at most', integer(1, 1000), 64)
    .option('--progress <seconds>', 'how often a line of progress, off a terminal', seconds, 5)
    .option('--json', 'what was done as one JSON object')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, flags: ImportFlags) => {
      const letHeapGrow = keepHeapSmall()
      try {
        const { importFleet } = await import('./run.ts')
        await importFleet(file, flags, context)
      } finally {
        letHeapGrow()
      }
    })
}

const EXAMPLES = `
Columns: thing_name, product, public_key (JWK), region_pin, attributes (JSON), prov_status
(unprovisioned), aws_region. An empty cell says nothing.

Exit codes: 0 all rows are in the list, 3 all but the rejected ones, 1 failed, 2 the command line is
wrong, 130 stopped by Ctrl-C; after 1 and 130 it says how to go on.

Examples:
  $ npx landfall allow import fleet.csv --local .landfall/local/local.json --dry-run
  $ npx landfall allow import fleet.ndjson.gz --region eu-west-1 --profile fleet --config edge.yaml
  $ zcat fleet.csv.gz | npx landfall allow import - --region eu-west-1 --rejects wrong.csv
  $ npx landfall allow import changes.csv --region eu-west-1 --update`

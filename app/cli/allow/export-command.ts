import { type Command, Option } from 'commander'
import { addAwsFlags } from '../aws-flags.ts'
import { integer, list } from '../options.ts'
import type { CommandContext } from '../program.ts'
import type { AllowFlags } from './command.ts'
import { type ExportFormat, exportFormats } from './export-formats.ts'
import { addFilterFlags, type FilterFlags } from './filter-flags.ts'

export type ExportFlags = AllowFlags &
  FilterFlags & { format?: ExportFormat; columns?: string[]; segments?: number; yes?: true }

export function addExportCommand(allow: Command, context: CommandContext): void {
  addFilterFlags(addAwsFlags(allow.command('export')))
    .summary('the whole list as CSV or NDJSON')
    .description(
      'Streams the rows of the table into a file or to stdout, in no order. It reads the whole table, whatever the filter: it says what that costs, and asks. A file is there as a whole or not at all.',
    )
    .argument('[file]', '.csv, .ndjson or .jsonl, also with .gz; "-": stdout', '-')
    .addOption(
      new Option('--format <format>', 'default: by the file’s name, else csv').choices(
        exportFormats,
      ),
    )
    .option('--columns <names>', 'only these attributes, in this order, with commas between', list)
    .option(
      '--segments <n>',
      'read in so many parts at once (default: by size, 4 at most)',
      segments,
    )
    .option('--yes', 'don’t ask what the scan may cost')
    .option('--json', 'the same as --format ndjson')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, flags: ExportFlags) => {
      const { exportDevices } = await import('./export.ts')
      await exportDevices(file, flags, context)
    })
}

/** So many at most: each holds a page of 1 MB or two, and takes of what the devices need. */
export const segments = integer(1, 64)

const EXAMPLES = `
Columns are the table's attributes (docs/storage.md), the same that \`allow import\` reads; with --status
unprovisioned just those that it takes, so that the file can be imported. In CSV maps and lists are JSON;
attributes that aren't Landfall's are in NDJSON only, or where --columns names them.

Exit codes: 0 done, 1 failed, 2 the command line is wrong, 130 interrupted; after 1 and 130 there is no file.

Examples:
  $ npx landfall allow export fleet.csv.gz --local .landfall/local/local.json
  $ npx landfall allow export fleet.ndjson --region eu-west-1 --profile fleet --yes
  $ npx landfall allow export waiting.csv --status unprovisioned --region eu-west-1 --yes
  $ npx landfall allow export --product lamps --columns thing_name,aws_region --region eu-west-1 --yes | sort`

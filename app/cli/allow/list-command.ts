import { type Command, Option } from 'commander'
import { addAwsFlags } from '../aws-flags.ts'
import { integer } from '../options.ts'
import type { CommandContext } from '../program.ts'
import type { AllowFlags } from './command.ts'
import { addFilterFlags, type FilterFlags } from './filter-flags.ts'

export type ListFlags = AllowFlags &
  FilterFlags & { limit: number; all?: true; from?: string; scan?: true; yes?: true }

export function addListCommand(allow: Command, context: CommandContext): void {
  addFilterFlags(addAwsFlags(allow.command('list')))
    .summary('devices by status, product, region, age')
    .description(
      'Lists devices, newest first, by the index that fits. Devices that never asked are in no index: without a filter, with --status unprovisioned or with --scan the table itself is read, in no order.',
    )
    .option('--limit <n>', 'show so many, and say how to go on', integer(1, 100_000), 100)
    .addOption(new Option('--all', 'show all of them').conflicts('limit'))
    .option('--from <token>', 'go on where a list ended')
    .option('--scan', 'read the table itself: has what no index has')
    .option('--yes', 'don’t ask what a scan may cost')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ListFlags) => {
      const { listDevices } = await import('./list.ts')
      await listDevices(flags, context)
    })
}

const EXAMPLES = `
Times are those since when the status is what it is; a device that only may ask has none, so no list by
--since or --older-than has it. An index may be some seconds behind the table.
With --json: thingName, status, product, region, statusSince (milliseconds since 1970), certificateId; of
a row that is no device record thingName and unreadable, which says why. The token is on stderr: "next: …".

Exit codes: 0 done, 1 failed, 2 the command line is wrong, 130 interrupted.

Examples:
  $ npx landfall allow list --status provisioned --since 2h --local .landfall/local/local.json
  $ npx landfall allow list --status provisioning --older-than 10m --region eu-west-1 --profile fleet
  $ npx landfall allow list --product lamps --in eu-central-1 --region eu-west-1 --all --json
  $ npx landfall allow list --status unprovisioned --region eu-west-1 --yes | head`

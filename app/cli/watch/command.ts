import { type Command, Option } from 'commander'
import { requestOutcomes } from '../../edge/request-log.ts'
import { integer } from '../options.ts'
import type { CommandContext } from '../program.ts'
import type { RequestEvent } from './log-event.ts'

export type WatchFlags = {
  local?: string
  outcome?: RequestEvent['outcome'][]
  product?: string
  in?: string
  thing?: string
  /** Events. */
  last?: number
  fromStart?: true
  follow: boolean
  json?: true
}

export function watchCommand(program: Command, context: CommandContext): void {
  program
    .command('watch')
    .summary('provisioning as it happens, from an edge’s log')
    .description(
      'Shows each request of a device as an edge logs it: what became of it, region, distance and why; regions that are kept out; warnings. It follows a file that grows, is rotated or begins anew, or reads stdin, where each line may have a time and more before its JSON. Ctrl-C ends with a summary.',
    )
    .argument('[file]', 'an edge’s log; "-": stdin (default: the log of --local)')
    .option('--local <file>', 'local.json of `landfall local`: its edge’s log')
    .addOption(new Option('--outcome <outcome...>', 'only these outcomes').choices(requestOutcomes))
    .option('--product <name>', 'only devices of this product')
    .option('--region, --in <region>', 'only this region')
    .option('--thing <name>', 'only this device')
    .option('--last <n>', 'of a file, begin with so many of its last events (default: 10)', last)
    .addOption(new Option('--from-start', 'of a file, begin with its first line').conflicts('last'))
    .option('--no-follow', 'end with the file, after all of it unless --last says otherwise')
    .option('--json', 'one JSON object a line for each event')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string | undefined, flags: WatchFlags) => {
      const { runWatch } = await import('./run.ts')
      await runWatch(file, flags, context)
    })
}

const last = integer(0, 1000)

const EXAMPLES = `
Events that are shown from before the watch began aren't counted.
With --json, "type" is "request", "breaker" (state "open" or "closed") or "trouble" (a warning or an error
of the edge); members are those of the log (docs/configuration.md), incidents a list. The summary is on
stderr.

Exit codes: 0 ended (by Ctrl-C, or with the log), 1 failed, 2 the command line is wrong.

Examples:
  $ npx landfall watch --local .landfall/local/local.json
  $ npx landfall watch edge.log --outcome refused failed
  $ aws logs tail /aws/lambda/landfall-production-edge --follow --format short | npx landfall watch -
  $ npx landfall watch edge.log --no-follow --json | jq -r 'select(.outcome == "refused") | .reason'`

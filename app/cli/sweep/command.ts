import { type Command, InvalidArgumentError, Option } from 'commander'
import { duration, findTime, integer } from '../options.ts'
import type { CommandContext } from '../program.ts'

export type SweepFlags = {
  config?: string
  local?: string
  region?: string[]
  /** Epoch milliseconds. */
  since?: number | 'everything'
  /** Seconds. */
  olderThan: number
  allowYoung?: true
  maxDestroy: number
  absentToo?: true
  thorough?: true
  dryRun?: true
  json?: true
}

export function sweepCommand(program: Command, context: CommandContext): void {
  program
    .command('sweep')
    .summary('remove what crashes and lost answers left behind')
    .description(
      'Looks at the certificates of every region and at the records of their devices: removes certificates that a record has given up, finishes provisionings that were never confirmed, ends attempts that nobody goes on with, and reports what a person must look at. It destroys on positive evidence only, and keeps within the regions’ quotas.',
    )
    .option('--config <file>', 'the edge’s configuration (YAML or JSON)')
    .option('--local <file>', 'local.json of `landfall local`: gives configuration and credentials')
    .option('--region <name...>', 'only these regions (default: all of the configuration)')
    .option(
      '--since <time>',
      'look at certificates made since: 2026-01-31T12:00:00Z, 2d, or "all" (default: since the last sweep)',
      since,
    )
    .option(
      '--older-than <duration>',
      'leave younger certificates without thing alone; at least 15m',
      duration,
      3600,
    )
    .addOption(new Option('--allow-young', 'take --older-than below 15m too: for tests').hideHelp())
    .option('--max-destroy <n>', 'destroy so many certificates at most', integer(0, 1e9), 100)
    .option('--absent-too', 'destroy certificates of things that have no row, too')
    .option('--thorough', 'check policy and thing of confirmed certificates, too')
    .option('--dry-run', 'change nothing, only say what would be done')
    .option('--json', 'print one JSON object: the report')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: SweepFlags) => {
      const { runSweep } = await import('./run.ts')
      await runSweep(flags, context)
    })
}

function since(text: string): number | 'everything' {
  if (text === 'all') return 'everything'
  const time = findTime(text, Date.now())
  if (time === undefined) {
    throw new InvalidArgumentError(
      'A time like 2026-01-31T12:00:00Z, a duration or "all" is needed.',
    )
  }
  return time
}

const EXAMPLES = `
With --config, AWS endpoints and credentials come from the SDK's standard environment variables.
Exit code 1: a region failed, or --max-destroy was reached; sweep again.

Examples:
  $ npx landfall sweep --local .landfall/local/local.json --dry-run
  $ npx landfall sweep --local .landfall/local/local.json
  $ AWS_PROFILE=sweeper npx landfall sweep --config edge.yaml --region eu-west-1 us-east-1
  $ npx landfall sweep --config edge.yaml --since 2d --older-than 30m --json`

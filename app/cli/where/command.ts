import type { Command } from 'commander'
import type { CommandContext } from '../program.ts'

export type WhereFlags = { table?: string; json?: true }

export function whereCommand(program: Command, context: CommandContext): void {
  program
    .command('where')
    .summary('where addresses are, as an edge sees it')
    .description(
      'Looks up where addresses are: position, country, continent, confidence, and whose data say so. The location table is built at first use. Ports, brackets and zone ids are cut off; a mapped IPv6 address is looked up as IPv4. An address that isn’t public, or that the data don’t know, is unknown: a device there gets its product’s default region.',
    )
    .argument('<address...>', 'IPv4 and IPv6 addresses; "-" reads them from stdin, one a line')
    .option('--table <file>', 'the location table (default: the one of `landfall geo build`)')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', EXAMPLES)
    .action(async (addresses: string[], flags: WhereFlags) => {
      const { runWhere } = await import('./run.ts')
      await runWhere(addresses, flags, context)
    })
}

const EXAMPLES = `
With --json: ip, lat, lon, country, continent, confidence, source, date, reason. Of an unknown address
the first ones are null, and reason says why: "no address", "not public" or "not in the data".

Examples:
  $ npx landfall where 8.8.8.8 2001:4860:4860::8888
  $ npx landfall where 134.226.1.1 --json
  $ cut -d' ' -f1 access.log | npx landfall where - --json`

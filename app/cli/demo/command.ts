import type { Command } from 'commander'
import type { CommandContext } from '../program.ts'

export type DemoFlags = { keep?: true; json?: true }

export function demoCommand(program: Command, context: CommandContext): void {
  program
    .command('demo')
    .summary('watch devices from ten cities land in their regions, on this machine')
    .description(
      'Starts AWS in nine regions and an edge on this machine, allows ten devices and switches them on from ten cities, by both contracts, with an unknown and a forged one among them. Each connects to the endpoint it was given and publishes; a subscriber in that region must receive it. Exit 1 names whatever did not happen.',
    )
    .option('--keep', 'keep the data folder, for `landfall local --data`')
    .option('--json', 'print the results as one JSON object')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: DemoFlags) => {
      const { runDemo } = await import('./run.ts')
      await runDemo(flags, context)
    })
}

const EXAMPLES = `
Examples:
  $ npx landfall demo
  $ npx landfall demo --json --keep`

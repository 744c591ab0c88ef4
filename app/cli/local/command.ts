import type { Command } from 'commander'
import { integer, list } from '../options.ts'
import type { CommandContext } from '../program.ts'

export type LocalFlags = {
  data: string
  regions?: string[]
  instance?: number
  port?: number
  edgePort?: number
  json?: true
}

export function localCommand(program: Command, context: CommandContext): void {
  program
    .command('local')
    .summary('run AWS and an edge on this machine, until Ctrl-C')
    .description(
      'AWS IoT in several regions, DynamoDB and STS on this machine, and an edge in front of them. Everything is kept in the data folder; the same folder goes on where it was left. The edge trusts this machine as a proxy: X-Forwarded-For says where a device is.',
    )
    .option('--data <dir>', 'the data folder', '.landfall/local')
    .option('--regions <list>', 'device regions, the default region first (default: nine)', list)
    .option('--instance <n>', 'N of the endpoint addresses 127.N.r.1', integer(1, 254))
    .option('--port <n>', 'of the AWS endpoint', integer(1, 65_535))
    .option('--edge-port <n>', 'of the provisioning URL', integer(1, 65_535))
    .option('--json', 'print local.json on one line once everything is ready')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: LocalFlags) => {
      const { runLocal } = await import('./run.ts')
      await runLocal(flags, context)
    })
}

const EXAMPLES = `
local.json in the data folder says where everything is; --local takes it elsewhere.

Examples:
  $ npx landfall local
  $ npx landfall local --regions eu-west-1,us-east-1,ap-south-1 --data /tmp/three-regions
  $ npx landfall allow add mydevice1 --local .landfall/local/local.json
  $ npx landfall device --thing mydevice1 --local .landfall/local/local.json --own-key`

import type { Command } from 'commander'
import type { AwsFlags } from '../aws-flags.ts'
import type { CommandContext } from '../program.ts'
import { addAddCommand } from './add-command.ts'
import { addBlockCommand } from './block-command.ts'
import { addExportCommand } from './export-command.ts'
import { importCommand } from './import/command.ts'
import { addListCommand } from './list-command.ts'
import { addMoveCommand } from './move-command.ts'
import { addRemoveCommand } from './remove-command.ts'
import { addResetCommand } from './reset-command.ts'
import { addShowCommand } from './show-command.ts'
import { addStatsCommand } from './stats-command.ts'
import { addUnblockCommand } from './unblock-command.ts'

export type AllowFlags = AwsFlags & { json?: true }

export function allowCommand(program: Command, context: CommandContext): void {
  const allow = program
    .command('allow')
    .summary('which devices may be provisioned: the allow-list')
    .description('The allow-list: which devices may be provisioned, and what became of each.')
    .addHelpText('after', EXAMPLES)

  for (const add of [
    addAddCommand,
    importCommand,
    addShowCommand,
    addListCommand,
    addStatsCommand,
    addExportCommand,
    addMoveCommand,
    addResetCommand,
    addBlockCommand,
    addUnblockCommand,
    addRemoveCommand,
  ])
    add(allow, context)
}

const EXAMPLES = `
Examples:
  $ npx landfall allow add mydevice1 mydevice2 --local .landfall/local/local.json
  $ npx landfall allow show mydevice1 --region eu-west-1 --profile fleet
  $ npx landfall allow block mydevice2 --local .landfall/local/local.json --yes`

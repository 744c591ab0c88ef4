import { Command, CommanderError } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { allowCommand } from './allow/command.ts'
import { demoCommand } from './demo/command.ts'
import { deviceCommand } from './device/command.ts'
import { doctorCommand } from './doctor/command.ts'
import { misuse } from './failure.ts'
import { geoCommand } from './geo/command.ts'
import { keysCommand } from './keys/command.ts'
import { localCommand } from './local/command.ts'
import { productCommand } from './product/command.ts'
import { regionCommand } from './region/command.ts'
import { sweepCommand } from './sweep/command.ts'
import type { Terminal } from './terminal.ts'
import { watchCommand } from './watch/command.ts'
import { whereCommand } from './where/command.ts'

/** What every command stands on. `env` is the process's environment, read in start.ts only. */
export type CommandContext = {
  readonly terminal: Terminal
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted at the first Ctrl-C (SIGINT) or SIGTERM: end cleanly. */
  readonly signal: AbortSignal
  /**
   * Said before anything is changed: from then on a stdout that nobody reads any more aborts `signal`.
   * A command that only reads ends there and then, with 0.
   */
  changes(): void
}

/** The whole command line. Commands load what they need when they run, so that help is quick. */
export function buildProgram(context: CommandContext): Command {
  const program = new Command('landfall')
    .description(
      'A global provisioning router for AWS IoT: a device calls one URL and lands in its region.',
    )
    .version(packageJson.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.terminal.out(text.trimEnd()),
      writeErr: (text) => context.terminal.note(text.trimEnd()),
      outputError: () => {},
    })
  for (const add of [
    demoCommand,
    localCommand,
    deviceCommand,
    allowCommand,
    productCommand,
    regionCommand,
    watchCommand,
    sweepCommand,
    whereCommand,
    keysCommand,
    geoCommand,
    doctorCommand,
  ])
    add(program, context)
  program.addHelpText('after', EXAMPLES)
  return program
}

const EXAMPLES = `
Examples:
  $ npx landfall demo
  $ npx landfall local
  $ npx landfall allow add mydevice3 --local .landfall/local/local.json
  $ npx landfall device --thing mydevice3 --local .landfall/local/local.json --own-key

Exit codes: 0 done, 1 failed, 2 the command line is wrong, 130 interrupted by Ctrl-C.
LANDFALL_DEBUG=1 prints stack traces.`

/**
 * Runs one command line (`args` without node and script).
 * Throws CommandFailure for what commander refuses; help and version return.
 */
export async function runProgram(program: Command, args: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return
    if (error.code === 'commander.help') throw misuse('no command given')
    const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
    const suggestion = /^\((.+)\)$/.exec(rest.join(' ').trim())?.[1]
    if (error.code === 'commander.conflictingOption') throw misuse(first, 'leave one of them out')
    throw misuse(first, suggestion ?? `see ${helpOf(program, args[0])}`)
  }
}

function helpOf(program: Command, name: string | undefined): string {
  const known = program.commands.some((command) => command.name() === name)
  return known ? `npx landfall ${name} --help` : 'npx landfall --help'
}

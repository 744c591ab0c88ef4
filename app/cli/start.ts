import { CommandFailure, errorMessage, exitInterrupted } from './failure.ts'
import { buildProgram, runProgram } from './program.ts'
import { createTerminal } from './terminal.ts'

// The only file of the command line that reads the environment, and where every failure ends.
const terminal = createTerminal(process)
const interrupted = new AbortController()
let interruptedAt: number | undefined
/** npx hands on a Ctrl-C that the terminal sent to this process, too: both are one. */
const sameSignalMs = 500
/** The command under way changes something: see CommandContext. */
let changing = false

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // After a closed stdout, too, the first one lets what is under way finish.
    if (interruptedAt === undefined) {
      interruptedAt = performance.now()
      interrupted.abort()
    } else if (performance.now() - interruptedAt > sameSignalMs) {
      // For a command that hangs while it cleans up.
      process.exit(exitInterrupted)
    }
  })
}
// `landfall … | head` ends the pipe early; that isn't a failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (changing) return stopChanging(error)
  if (error.code !== 'EPIPE') throw error
  // A progress line must not stay behind.
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K')
  // A command that has failed already keeps its code.
  process.exit()
})
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  // `2>&1 | head` closes both.
  if (changing) return stopChanging(error)
  throw error
})

/** As Ctrl-C, so that nothing is left halfway; what is still said fails, too, and is dropped. */
function stopChanging(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && !interrupted.signal.aborted) fail(error)
  interrupted.abort()
}

// A promise that nobody awaited any more: no clean end is possible.
process.on('uncaughtException', (error) => {
  fail(error)
  process.exit(1)
})

try {
  const program = buildProgram({
    terminal,
    env: process.env,
    signal: interrupted.signal,
    changes: () => {
      changing = true
    },
  })
  await runProgram(program, process.argv.slice(2))
} catch (error) {
  fail(error)
}

function fail(error: unknown): void {
  const debug = (process.env.LANDFALL_DEBUG ?? '') !== ''
  if (error instanceof CommandFailure) {
    terminal.failure(error.message, error.hint)
    process.exitCode = interrupted.signal.aborted ? exitInterrupted : error.exitCode
  } else {
    const hint = debug ? undefined : 'LANDFALL_DEBUG=1 prints where this came from'
    terminal.failure(errorMessage(error), hint)
    process.exitCode = 1
  }
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`)
}

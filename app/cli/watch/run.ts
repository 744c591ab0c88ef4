import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { stdin } from 'node:process'
import { CommandFailure, findErrorCode, misuse } from '../failure.ts'
import { edgeLogName, readLocalJson } from '../local/local-json.ts'
import type { CommandContext } from '../program.ts'
import { cutTo } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import type { WatchFlags } from './command.ts'
import { eventLines } from './event-line.ts'
import { followFile } from './follow-file.ts'
import { readLastEvents } from './last-lines.ts'
import { findLogEvent, type LogEvent } from './log-event.ts'
import { startRate } from './rate.ts'
import { type LogPiece, splitLines } from './split-lines.ts'
import {
  headline,
  linesInVain,
  statusLine,
  summaryInWords,
  summaryNotes,
  wrongLog,
} from './summary-in-words.ts'
import { startWatchTally, type WatchSummary } from './watch-tally.ts'

/** Events before the watch began, so that one sees at once what the log is like. */
const defaultLast = 10

/** `landfall watch`: until Ctrl-C, or the log's end where nothing is followed. */
export async function runWatch(
  file: string | undefined,
  flags: WatchFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal, signal } = context
  const path = await logOf(file, flags)
  const matches = matcherOf(flags)
  const show = showEvents(terminal, flags.json === true)
  const tally = startWatchTally()
  const rate = startRate()
  const live = path === '-' || flags.follow
  const status = live
    ? terminal.status(() => statusLine(tally.summary(), rate.now(), terminal.paint))
    : undefined
  try {
    for await (const line of splitLines(await openLog(path, { flags, matches, show, context }))) {
      const event = line === undefined ? undefined : findLogEvent(line)
      if (event === undefined) {
        tally.passOver()
        warnInVain(tally.summary(), terminal)
      } else if (matches(event)) {
        tally.add(event)
        if (event.type === 'request') rate.add()
        show(event)
      } else tally.keepOut(event)
      if (signal.aborted) break
    }
  } catch (error) {
    if (!signal.aborted) throw readFailure(path, error)
  } finally {
    status?.finish()
  }
  conclude(tally.summary(), terminal, flags.json === true)
}

async function logOf(file: string | undefined, { local, last }: WatchFlags): Promise<string> {
  if (file === '-' && last !== undefined) {
    throw misuse('stdin has no last events to begin with', 'leave --last out, or give a file')
  }
  if (file !== undefined && local !== undefined) throw misuse('give a file or --local, not both')
  if (file !== undefined) return file
  if (local === undefined) {
    throw misuse('what is to be watched?', 'give the edge’s log, "-" for stdin, or --local FILE')
  }
  const { edgeConfigFile } = await readLocalJson(local)
  return join(dirname(edgeConfigFile), edgeLogName)
}

/** Shows what went before, where that is wanted, and opens the log behind it. */
async function openLog(
  path: string,
  it: {
    flags: WatchFlags
    matches: (event: LogEvent) => boolean
    show: (event: LogEvent) => void
    context: CommandContext
  },
): Promise<AsyncIterable<LogPiece>> {
  const { flags, matches, show, context } = it
  const { terminal, signal } = context
  if (path === '-') {
    signal.addEventListener('abort', () => stdin.destroy(), { once: true })
    return stdin
  }
  const { follow } = flags
  const onNotice = (what: string) => terminal.note(`note: ${what}`)
  // A named pipe has nothing behind it, and ends with its writer.
  if (!(await stat(path)).isFile()) return createReadStream(path, { signal })
  const whole = flags.fromStart === true || (!follow && flags.last === undefined)
  if (whole) return followFile(path, { from: 0, follow, signal, onNotice })
  const { events, end } = await readLastEvents(path, flags.last ?? defaultLast, matches)
  for (const event of events) show(event)
  return followFile(path, { from: end, follow, signal, onNotice })
}

function matcherOf(flags: WatchFlags): (event: LogEvent) => boolean {
  const { outcome, product, in: region, thing } = flags
  const ofRequests = outcome ?? product ?? thing
  return (event) => {
    if (region !== undefined && event.region !== region) return false
    if (event.type !== 'request') return ofRequests === undefined
    return (
      (outcome === undefined || outcome.includes(event.outcome)) &&
      (product === undefined || event.product === product) &&
      (thing === undefined || event.thingName === thing)
    )
  }
}

function showEvents(terminal: Terminal, json: boolean): (event: LogEvent) => void {
  if (json) return terminal.json
  const render = eventLines(terminal.paint)
  return (event) => {
    const width = terminal.width()
    for (const line of render(event)) {
      terminal.out(width === undefined ? line : cutTo(line, width))
    }
  }
}

/** Once, while somebody may still wait for what never comes. */
function warnInVain({ requestsRead, passedOver }: WatchSummary, terminal: Terminal): void {
  if (requestsRead > 0 || passedOver !== linesInVain) return
  terminal.note(`note: ${passedOver} lines, and none of them tells of a request`)
  terminal.note(wrongLog)
}

function conclude(summary: WatchSummary, terminal: Terminal, json: boolean): void {
  // With --json stdout has events only.
  if (json) terminal.note(headline(summary))
  else summaryInWords(summary, terminal)
  summaryNotes(summary, terminal)
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
}

function readFailure(path: string, error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error
  const code = findErrorCode(error) ?? String(error)
  return new CommandFailure(`can’t read the log ${path}: ${REASONS[code] ?? code}`, {
    hint: path.endsWith(edgeLogName)
      ? 'npx landfall local writes it while it runs'
      : 'check the path',
    cause: error,
  })
}

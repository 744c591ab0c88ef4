import { stdin } from 'node:process'
import { isThingName } from '../../request/thing-name.ts'
import { CommandFailure, interrupted, misuse } from '../failure.ts'

/** Some three million names; more is the wrong file, or a device without end. */
const longestInput = 67_108_864
const longestShown = 60
const aboutNames = 'a thing name has 1 to 128 characters: letters, digits, ":", "_" and "-"'

/** The names that a command is about, each once; a lone `-` stands for those on stdin, one a line. */
export async function readNames(
  args: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (!args.includes('-')) return check(args)
  if (args.length > 1) throw misuse('- stands for all names', 'give names, or - alone')
  const lines = (await readAll(signal)).replace(/^\uFEFF/, '').split(/\r?\n/)
  const names = lines.map((line) => line.trim())
  const wanted = names.filter((name) => name !== '' && !name.startsWith('#'))
  if (wanted.length === 0) throw misuse('no names on stdin', 'one thing name a line')
  return check(wanted, names)
}

function check(names: readonly string[], lines?: readonly string[]): readonly string[] {
  const wrong = names.find((name) => !isThingName(name))
  if (wrong === undefined) return [...new Set(names)]
  const where = lines === undefined ? '' : `line ${lines.indexOf(wrong) + 1}: `
  const shown = wrong.length > longestShown ? `${wrong.slice(0, longestShown)}…` : wrong
  throw misuse(`${where}${JSON.stringify(shown)} is no thing name`, aboutNames)
}

/** Ctrl-C ends the wait for more: nothing has begun yet. */
async function readAll(signal: AbortSignal): Promise<string> {
  const stop = () => stdin.destroy(interrupted('interrupted: nothing was done'))
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await readText()
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

async function readText(): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk)
    chunks.push(bytes)
    length += bytes.length
    if (length > longestInput) {
      throw new CommandFailure(`stdin is longer than ${longestInput} bytes`, {
        hint: 'give the names in parts',
      })
    }
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** `a, b, c and 97 more` */
export function describeNames(names: readonly string[]): string {
  const shown = 5
  if (names.length <= shown) return names.join(', ')
  return `${names.slice(0, shown).join(', ')} and ${names.length - shown} more`
}

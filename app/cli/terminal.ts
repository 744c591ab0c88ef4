import { stripVTControlCharacters, styleText } from 'node:util'
import { renderTable } from './table.ts'

type Stream = NodeJS.WriteStream | NodeJS.WritableStream
type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/**
 * Where a command speaks: data on stdout, everything else on stderr.
 * Colours and the moving progress line appear on a terminal only, and colours never with NO_COLOR.
 */
export type Terminal = {
  /** One line of data, on stdout. */
  out(line: string): void
  /** One JSON value on one line, on stdout. */
  json(value: unknown): void
  /** Rows as aligned columns, on stdout. */
  table(header: readonly string[], rows: readonly (readonly string[])[]): void
  /** One line for the reader, on stderr. */
  note(line: string): void
  /** `error:` and, where there is one, `hint:`, on stderr. */
  failure(message: string, hint?: string): void
  /** Coloured for stdout. */
  paint(colour: Colour, text: string): string
  /** A progress line on stderr. Call `finish` whatever happens. */
  progress(totalSteps: number): Progress
  /** Someone can be asked: stdin and stderr are terminals. */
  readonly interactive: boolean
  /** The progress line moves: stderr is a terminal. */
  readonly animated: boolean
}

export type Progress = {
  /** `text` has begun; what was under way before it is done. */
  step(text: string): void
  /** How far the step under way is, in words and as a part of it (0 to 1); on a terminal only. */
  update(text: string, part?: number): void
  finish(): void
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const BAR_WIDTH = 20
const FRAME_MS = 100

export function createTerminal(streams: {
  stdin: { isTTY?: boolean }
  stdout: Stream
  stderr: Stream
}): Terminal {
  const { stdout, stderr } = streams
  const paintOn = (stream: Stream, colour: Colour, text: string) =>
    styleText(colour, text, { stream, validateStream: true })
  const note = (line: string) => void stderr.write(`${printable(line)}\n`)

  return {
    out: (line) => void stdout.write(`${printable(line)}\n`),
    json: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    table(header, rows) {
      const [head, ...body] = renderTable([header, ...rows])
      stdout.write(`${paintOn(stdout, 'bold', head ?? '')}\n`)
      for (const line of body) stdout.write(`${printable(line)}\n`)
    },
    note,
    failure(message, hint) {
      note(`${paintOn(stderr, 'red', 'error:')} ${message}`)
      if (hint !== undefined) note(`${paintOn(stderr, 'yellow', 'hint:')} ${hint}`)
    },
    paint: (colour, text) => paintOn(stdout, colour, text),
    progress: (totalSteps) => (isTerminal(stderr) ? bar(stderr, totalSteps) : lines(note)),
    interactive: streams.stdin.isTTY === true && isTerminal(stderr),
    animated: isTerminal(stderr),
  }
}

/**
 * Text that others wrote (an endpoint's answer, a table's row) can't move the cursor or recolour:
 * only our own colours (`ESC [ … m`) and printable characters pass.
 */
export function printable(text: string): string {
  return text
    .split(COLOUR)
    .map((part, index) =>
      index % 2 === 1 ? part : stripVTControlCharacters(part).replace(CONTROL, ''),
    )
    .join('')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const COLOUR = /(\u001b\[[0-9;]{1,8}m)/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

function isTerminal(stream: Stream): stream is NodeJS.WriteStream {
  return 'isTTY' in stream && stream.isTTY === true
}

function lines(note: (line: string) => void): Progress {
  return { step: note, update: () => {}, finish: () => {} }
}

function bar(stderr: NodeJS.WriteStream, totalSteps: number): Progress {
  let done = -1
  let part = 0
  let frame = 0
  let text = ''
  const draw = () => {
    const filled = Math.min(
      BAR_WIDTH,
      Math.round(((Math.max(done, 0) + part) / totalSteps) * BAR_WIDTH),
    )
    const drawn = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`
    const line = `${FRAMES[frame % FRAMES.length]} ${drawn} ${text}`
    stderr.write(`\r\u001b[2K${line.slice(0, Math.max(10, (stderr.columns || 80) - 1))}`)
  }
  const timer = setInterval(() => {
    frame++
    draw()
  }, FRAME_MS)
  timer.unref()
  return {
    step(next) {
      done++
      part = 0
      text = printable(next)
      draw()
    },
    update(next, of = part) {
      part = of
      text = printable(next)
    },
    finish() {
      clearInterval(timer)
      stderr.write('\r\u001b[2K')
    },
  }
}

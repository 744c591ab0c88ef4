import { once } from 'node:events'
import { stripVTControlCharacters, styleText } from 'node:util'
import { cutTo, renderTable } from './table.ts'

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
  /** Bytes as they are, on stdout; resolves once it takes more. */
  raw(chunk: Uint8Array | string): Promise<void>
  /** A progress line on stderr. Call `finish` whatever happens. */
  progress(totalSteps: number): Progress
  /** A line on stderr that says how things are, drawn anew all the time; on a terminal only. */
  status(text: () => string): { finish(): void }
  /** Columns of the terminal that stdout is: somebody looks at the data. Elsewhere undefined. */
  width(): number | undefined
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
  let moving: MovingLine | undefined
  const write = (stream: Stream, text: string) => {
    if (isTerminal(stream)) moving?.clear()
    stream.write(text)
  }
  const move = (render: (frame: string) => string): MovingLine => {
    moving?.finish()
    moving = isTerminal(stderr) ? movingLine(stderr, render) : stillLine
    return moving
  }
  const note = (line: string) => write(stderr, `${printable(line)}\n`)

  return {
    out: (line) => write(stdout, `${printable(line)}\n`),
    json: (value) => write(stdout, `${printableJson(value)}\n`),
    table(header, rows) {
      const [head, ...body] = renderTable([header, ...rows])
      write(stdout, `${paintOn(stdout, 'bold', head ?? '')}\n`)
      for (const line of body) write(stdout, `${printable(line)}\n`)
    },
    async raw(chunk) {
      if (!stdout.write(chunk)) await once(stdout, 'drain')
    },
    note,
    failure(message, hint) {
      note(`${paintOn(stderr, 'red', 'error:')} ${message}`)
      if (hint !== undefined) note(`${paintOn(stderr, 'yellow', 'hint:')} ${hint}`)
    },
    paint: (colour, text) => paintOn(stdout, colour, text),
    progress: (totalSteps) => (isTerminal(stderr) ? bar(move, totalSteps) : lines(note)),
    status(text) {
      const line = move(() => printable(text()))
      line.draw()
      return { finish: line.finish }
    },
    width: () => (isTerminal(stdout) ? stdout.columns || 80 : undefined),
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

/** The value as JSON on one line, with every character escaped that a terminal or an editor acts upon. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(
    ACTING,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** What JSON lets stand: DEL and C1, marks of direction, separators of lines. */
const ACTING = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g
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

type MovingLine = {
  draw(): void
  /** Takes it from the screen until it is drawn next. */
  clear(): void
  finish(): void
}

const stillLine: MovingLine = { draw: () => {}, clear: () => {}, finish: () => {} }

/** One line at the end of the terminal, drawn ten times a second. */
function movingLine(stderr: NodeJS.WriteStream, render: (frame: string) => string): MovingLine {
  let frame = 0
  let finished = false
  const clear = () => {
    if (!finished) stderr.write('\r\u001b[2K')
  }
  const draw = () => {
    if (finished) return
    const width = Math.max(10, (stderr.columns || 80) - 1)
    stderr.write(`\r\u001b[2K${cutTo(render(FRAMES[frame % FRAMES.length] ?? ''), width)}`)
  }
  const timer = setInterval(() => {
    frame++
    draw()
  }, FRAME_MS)
  timer.unref()
  return {
    draw,
    clear,
    finish() {
      clearInterval(timer)
      clear()
      finished = true
    },
  }
}

function bar(
  move: (render: (frame: string) => string) => MovingLine,
  totalSteps: number,
): Progress {
  let done = -1
  let part = 0
  let text = ''
  const line = move((frame) => {
    const filled = Math.min(
      BAR_WIDTH,
      Math.round(((Math.max(done, 0) + part) / totalSteps) * BAR_WIDTH),
    )
    return `${frame} ${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${text}`
  })
  return {
    step(next) {
      done++
      part = 0
      text = printable(next)
      line.draw()
    },
    update(next, of = part) {
      part = of
      text = printable(next)
    },
    finish: line.finish,
  }
}

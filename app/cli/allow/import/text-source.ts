import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { stdin } from 'node:process'
import { pipeline, Readable } from 'node:stream'
import { TextDecoder } from 'node:util'
import { createGunzip } from 'node:zlib'
import { CommandFailure, findErrorCode } from '../../failure.ts'
import { unreadable } from '../../input-file.ts'

export type SourceKind = 'csv' | 'ndjson'

/** A fleet as text, piece by piece: unpacked, checked to be UTF-8, without its byte order mark. */
export type TextSource = {
  readonly kind: SourceKind
  /** The beginning, spaces aside, at least to the first line end; it comes again in `pieces`. */
  readonly head: string
  readonly pieces: AsyncIterable<string>
  /** Bytes read so far, as they lie in the file, and all of them where that is known. */
  bytesRead(): number
  readonly totalBytes: number | undefined
  /** Nothing more is read. */
  close(): void
}

/** No device record comes near it: whatever is longer is another kind of file, or a quote left open. */
export const longestLine = 262_144

/** Opens a file or, as `-`, stdin. Gzip is known by its first bytes, CSV and NDJSON by suffix or content. */
export async function openTextSource(path: string, signal?: AbortSignal): Promise<TextSource> {
  // In small pieces, so that what is read is not far ahead of what is done: the progress goes by it.
  const stream: Readable = path === '-' ? stdin : createReadStream(path, { highWaterMark: 16_384 })
  // The first piece may be long in coming, if ever.
  const destroy = () => void stream.destroy()
  signal?.addEventListener('abort', destroy)
  if (signal?.aborted === true) destroy()
  const close = () => {
    signal?.removeEventListener('abort', destroy)
    destroy()
  }
  let bytesRead = 0
  const counted = async function* () {
    try {
      for await (const chunk of stream) {
        bytesRead += chunk.length
        yield Buffer.from(chunk)
      }
    } catch (error) {
      throw unreadable(path === '-' ? 'fleet from stdin' : `fleet ${path}`, error)
    }
  }
  try {
    const pieces = boundLines(path, decode(path, await unpack(path, counted())))
    const head = await readHead(pieces)
    return {
      kind: kindOf(path, head.text),
      head: head.text,
      pieces: resume(head.pieces, pieces),
      bytesRead: () => bytesRead,
      totalBytes: path === '-' ? undefined : await sizeOf(path),
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path)
  return found.isFile() ? found.size : undefined
}

async function unpack(
  path: string,
  chunks: AsyncGenerator<Buffer>,
): Promise<AsyncIterable<Buffer>> {
  const first: Buffer[] = []
  let length = 0
  while (length < 2) {
    const { value, done } = await chunks.next()
    if (done === true) break
    first.push(value)
    length += value.length
  }
  const start = Buffer.concat(first)
  const whole = resume([start], chunks)
  if (start[0] !== 0x1f || start[1] !== 0x8b) {
    if (/\.gz$/i.test(path)) throw unusable(path, 'is not gzip, though its name says so')
    return whole
  }
  const gunzip = createGunzip()
  pipeline(Readable.from(whole), gunzip, () => {})
  return translateGzip(path, gunzip)
}

async function* translateGzip(path: string, unpacked: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of unpacked) yield Buffer.from(chunk)
  } catch (error) {
    const code = findErrorCode(error)
    if (code === 'Z_BUF_ERROR') throw unusable(path, 'ends within its gzip data: a part is missing')
    if (code?.startsWith('Z_')) throw unusable(path, 'has broken gzip data')
    throw error
  }
}

async function* decode(path: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let at = 0
  for await (const chunk of chunks) {
    if (at === 0) checkSignature(path, chunk)
    at += chunk.length
    const text = decodePiece(decoder, chunk, path, at)
    if (text.includes('\0')) throw unusable(path, 'is no text file: it holds NUL bytes')
    if (text !== '') yield text
  }
  decodePiece(decoder, undefined, path, at)
}

function decodePiece(
  decoder: TextDecoder,
  chunk: Buffer | undefined,
  path: string,
  at: number,
): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
  } catch {
    const within = `within its first ${at.toLocaleString('en')} bytes`
    throw unusable(path, `is not UTF-8: ${within}`, 'save it as UTF-8')
  }
}

/** What people take for a text file, by its first bytes. */
function checkSignature(path: string, chunk: Buffer): void {
  const start = chunk.toString('latin1', 0, 4)
  if (start.startsWith('PK')) {
    throw unusable(path, 'is a ZIP archive, as Excel’s workbooks are', 'save it as CSV')
  }
  if (start.startsWith('\xff\xfe') || start.startsWith('\xfe\xff')) {
    throw unusable(path, 'is UTF-16', 'save it as UTF-8')
  }
}

/** Refuses a line without end before anything holds it. */
async function* boundLines(path: string, pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let open = 0
  for await (const piece of pieces) {
    const last = Math.max(piece.lastIndexOf('\n'), piece.lastIndexOf('\r'))
    const first = last < 0 ? piece.length : piece.search(/[\r\n]/)
    if (open + first > longestLine) throw tooLong(path)
    open = last < 0 ? open + piece.length : piece.length - last - 1
    yield piece
  }
}

export function tooLong(path: string): CommandFailure {
  const size = `${longestLine / 1024} KiB`
  return unusable(
    path,
    `has a line or row longer than ${size}`,
    'is it the right file, and is a quote left open?',
  )
}

async function readHead(
  pieces: AsyncIterator<string>,
): Promise<{ text: string; pieces: readonly string[] }> {
  const read: string[] = []
  let text = ''
  for (;;) {
    const { value, done } = await pieces.next()
    if (done === true) return { text, pieces: read }
    read.push(value)
    // A pipe may give the first line in pieces; boundLines ends one that never ends.
    text = `${text}${value}`.trimStart()
    if (/[\r\n]/.test(text)) return { text, pieces: read }
    // Spaces are no rows, however many: only their line ends count.
    if (text === '' && read.length > 64) return { text, pieces: read }
  }
}

async function* resume<T>(first: readonly T[], rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield* first
  yield* rest
}

function kindOf(path: string, head: string): SourceKind {
  const name = path.toLowerCase().replace(/\.gz$/, '')
  if (name.endsWith('.csv')) return 'csv'
  if (/\.(ndjson|jsonl)$/.test(name)) return 'ndjson'
  const start = head.trimStart()
  if (start.startsWith('[')) {
    throw unusable(path, 'is one JSON list', 'one object a line is needed: jq -c ".[]" makes it so')
  }
  return start.startsWith('{') ? 'ndjson' : 'csv'
}

function unusable(path: string, why: string, hint = 'check the file'): CommandFailure {
  return new CommandFailure(`${path === '-' ? 'stdin' : path} ${why}`, { hint })
}

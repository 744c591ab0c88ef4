import { open } from 'node:fs/promises'
import { findLogEvent, type LogEvent } from './log-event.ts'
import { splitLines } from './split-lines.ts'

/** An edge logs about 1.1 kB for each request. */
const bytesPerEvent = 4096
const leastBytes = 256 * 1024

/**
 * The last events near the end of a log that match, and where the lines end that were read; a line that
 * isn't ended yet comes after it.
 */
export async function readLastEvents(
  path: string,
  count: number,
  matches: (event: LogEvent) => boolean,
): Promise<{ events: LogEvent[]; end: number }> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const from = Math.max(0, size - Math.max(leastBytes, count * bytesPerEvent))
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from)
    const read = buffer.subarray(0, bytesRead)
    const ended = read.lastIndexOf(0x0a) + 1
    // What stands before is the rest of a line, unless it is the log's first.
    const begin = from === 0 ? 0 : read.indexOf(0x0a) + 1
    const events: LogEvent[] = []
    for await (const line of splitLines(once(read.subarray(begin, Math.max(begin, ended))))) {
      const event = line === undefined ? undefined : findLogEvent(line)
      if (event !== undefined && matches(event)) events.push(event)
    }
    return { events: count === 0 ? [] : events.slice(-count), end: from + ended }
  } finally {
    await file.close()
  }
}

async function* once(piece: Buffer): AsyncGenerator<Buffer> {
  yield piece
}

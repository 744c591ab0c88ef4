import type { BigIntStats } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { findErrorCode } from '../failure.ts'
import type { LogPiece } from './split-lines.ts'

const pieceBytes = 64 * 1024
const pollMs = 250

export type FollowOptions = {
  readonly signal: AbortSignal
  /** Bytes from the file's beginning. */
  readonly from: number
  /** Go on at the end, with what is written later. */
  readonly follow: boolean
  /** The log was cut off, or another file stands in its place. */
  readonly onNotice?: (what: string) => void
}

/**
 * A file's content, and what is added to it, until `signal`: by its name, so that a rotated log is
 * followed into the next file, and one that was cut off from its beginning. A file that grows beyond
 * where it was between two looks after it was cut off can't be told from one that was not. Throws the
 * system's error where the file can't be read.
 */
export async function* followFile(path: string, options: FollowOptions): AsyncGenerator<LogPiece> {
  const { signal, follow, onNotice = () => {} } = options
  let file = await open(path)
  let position = options.from
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafe(pieceBytes)
      const { bytesRead } = await file.read(buffer, 0, pieceBytes, position)
      if (bytesRead > 0) {
        position += bytesRead
        yield buffer.subarray(0, bytesRead)
        continue
      }
      if (!follow || signal.aborted) return
      const change = await lookAt(path, file, position)
      if (change === 'cut off') {
        onNotice(`${path} was cut off: from its beginning`)
        position = 0
        yield 'anew'
        continue
      }
      if (change !== undefined) {
        // What was written into the old one since the last look.
        yield* rest(file, position)
        await file.close()
        file = change
        onNotice(`${path} is another file now: from its beginning`)
        position = 0
        yield 'anew'
        continue
      }
      await sleep(pollMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
    }
  } finally {
    await file.close()
  }
}

async function* rest(file: FileHandle, from: number): AsyncGenerator<Buffer> {
  for (let position = from; ; ) {
    const buffer = Buffer.allocUnsafe(pieceBytes)
    const { bytesRead } = await file.read(buffer, 0, pieceBytes, position)
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** What became of the file that is read; the file that stands in its place, opened, where there is one. */
async function lookAt(
  path: string,
  file: FileHandle,
  position: number,
): Promise<'cut off' | FileHandle | undefined> {
  const mine = await file.stat({ bigint: true })
  const there = await findStat(path)
  // Between a rotation's two steps there is none.
  if (there !== undefined && (there.ino !== mine.ino || there.dev !== mine.dev)) {
    return await open(path).catch((error: unknown) => {
      if (findErrorCode(error) === 'ENOENT') return undefined
      throw error
    })
  }
  return Number(mine.size) < position ? 'cut off' : undefined
}

async function findStat(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true })
  } catch (error) {
    if (findErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { findErrorCode } from './failure.ts'

/** The file's text, or undefined where there is no such file. */
export async function findText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (findErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Writes the whole file (a text, or parts in order) or nothing, as `streamWhole` does. */
export async function writeWhole(
  path: string,
  content: string | readonly Uint8Array[],
  mode = 0o644,
): Promise<void> {
  const all = typeof content === 'string' ? [content] : content
  const parts = all.filter((part) => part.length > 0)
  await streamWhole(
    path,
    (sink) => pipeline(Readable.from(parts, { objectMode: false }), sink),
    mode,
  )
}

/**
 * Gives a stream to write to, and makes the file of it once `write` has ended it: written beside, to the
 * disk, then renamed over what was there. Where it fails nothing is left, and what was there stays. What
 * is no regular file (a device, a named pipe) is written as it is: nothing can be renamed over it.
 */
export async function streamWhole(
  path: string,
  write: (sink: Writable) => Promise<void>,
  mode = 0o644,
): Promise<void> {
  const there = await stat(path).catch(() => undefined)
  if (there !== undefined && !there.isFile() && !there.isDirectory()) {
    const file = await open(path, 'w')
    return await write(file.createWriteStream())
  }
  const beside = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(beside, 'wx', mode)
    const sink = file.createWriteStream({ flush: true })
    try {
      await write(sink)
    } finally {
      // Closes the file where `write` failed before it came to it.
      sink.destroy()
    }
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}

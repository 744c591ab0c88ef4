import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
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

/** Writes the whole file (a text, or parts in order) or nothing: beside it, to the disk, then renamed over it. */
export async function writeWhole(
  path: string,
  content: string | readonly Uint8Array[],
  mode = 0o644,
): Promise<void> {
  const beside = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(beside, 'wx', mode)
    try {
      if (typeof content === 'string') await file.writeFile(content)
      else for (const part of content) await file.writeFile(part)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}

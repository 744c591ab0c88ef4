import { type FileHandle, open, realpath, rm, stat } from 'node:fs/promises'
import { CommandFailure, errorMessage, findErrorCode, misuse } from '../../failure.ts'
import { rejectColumns } from './columns.ts'
import { copyCells, copyMembers } from './copied-row.ts'
import { type CsvShape, renderCsv } from './csv-rows.ts'
import type { SourceRow } from './source-row.ts'

/**
 * Where rejected rows go, as their file has them, each with its line and the reason before it: corrected
 * there, it can be imported itself.
 */
export type RejectsFile = {
  readonly path: string
  /** Resolves once it is written; throws CommandFailure where it can't be. */
  add(row: SourceRow, reason: string): Promise<void>
  /** A file without rows is removed. */
  close(): Promise<void>
}

/** What to do where it can't be written. */
export const useAnotherFile = 'give --rejects another file'

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left there',
  EACCES: 'this user may not write there',
  ENOENT: 'there is no such folder',
  EISDIR: 'it is a folder',
}

/** Opens it before the first row is written; throws CommandFailure where that can't be done. */
export async function openRejects(given: Given, shape: CsvShape | undefined): Promise<RejectsFile> {
  const { path, handle } = await openOwn(given, shape === undefined ? 'ndjson' : 'csv')
  const header = shape && renderCsv([...rejectColumns, ...ownColumns(shape)], shape.delimiter)
  let size = await beginAt(path, handle, header)
  let waiting = ''
  let written = Promise.resolve()

  async function flush(): Promise<void> {
    const text = `${size === 0 ? (header ?? '') : ''}${waiting}`
    waiting = ''
    try {
      await handle.writeFile(text)
      size += Buffer.byteLength(text)
    } catch (error) {
      // No half of a row may stay; what isn't a file has nothing to take back.
      await handle.truncate(size).catch(() => {})
      throw unwritable(path, error)
    }
  }

  return {
    path,
    async add(row, reason) {
      // What comes while a write is under way goes together with the next one.
      if (waiting === '') written = written.then(flush)
      waiting += render(row, reason, shape)
      await written
    },
    async close() {
      const isEmpty = size === 0 && (await handle.stat()).isFile()
      await handle.close()
      if (isEmpty) await rm(path, { force: true })
    },
  }
}

/** Bytes that are there already, where it is added to; throws CommandFailure where other columns are. */
async function beginAt(path: string, handle: FileHandle, header: string | undefined) {
  const { size } = await handle.stat()
  if (size === 0 || header === undefined) return size
  const wanted = Buffer.from(header)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(wanted.length), 0, wanted.length, 0)
  if (buffer.subarray(0, bytesRead).equals(wanted)) return size
  await handle.close()
  const hint = 'give --rejects another name'
  throw new CommandFailure(`${path} is there already, with other columns`, { hint })
}

type Given = {
  readonly input: string
  /** By default one beside the input (of a pipe: in this folder), by a name that is free. */
  readonly path: string | undefined
  /** What an earlier run of the same import has put there stays. */
  readonly goesOn: boolean
}

async function openOwn(
  { input, path, goesOn }: Given,
  suffix: string,
): Promise<{ path: string; handle: FileHandle }> {
  if (path !== undefined) {
    if (input !== '-' && (await isSame(input, path))) {
      throw misuse('--rejects names the file that is imported', 'give it another name')
    }
    return { path, handle: await openAs(path, goesOn ? 'a+' : 'w') }
  }
  const stem = (await isFile(input))
    ? input.replace(/\.gz$/i, '').replace(/\.[A-Za-z]+$/, '')
    : 'import'
  // Somebody may be correcting the last one.
  for (let count = 1; ; count++) {
    const free = `${stem}.rejects${count === 1 ? '' : `-${count}`}.${suffix}`
    try {
      return { path: free, handle: await openAs(free, 'wx') }
    } catch (error) {
      if (findErrorCode(error) !== 'EEXIST') throw error
    }
  }
}

/** Beside stdin and a pipe (a shell's `<(…)` is /dev/fd/63) nothing can be written. */
async function isFile(input: string): Promise<boolean> {
  return input !== '-' && (await stat(input)).isFile()
}

async function openAs(path: string, flags: 'w' | 'wx' | 'a+'): Promise<FileHandle> {
  try {
    return await open(path, flags, 0o600)
  } catch (error) {
    throw findErrorCode(error) === 'EEXIST' ? error : unwritable(path, error)
  }
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map((it) => realpath(it).catch(() => '')))
  return first !== '' && first === second
}

function unwritable(path: string, error: unknown): CommandFailure {
  const why = REASONS[findErrorCode(error) ?? ''] ?? errorMessage(error)
  return new CommandFailure(`rejected rows can't be written to ${path}: ${why}`, {
    hint: useAnotherFile,
    cause: error,
  })
}

function ownColumns({ columns }: CsvShape): string[] {
  return columns.filter((name) => !rejectColumns.some((it) => it === name))
}

function render(row: SourceRow, reason: string, shape: CsvShape | undefined): string {
  if (shape !== undefined) {
    return renderCsv([String(row.line), reason, ...copyCells(row, shape)], shape.delimiter)
  }
  return `${JSON.stringify({ rejected_line: row.line, rejected_reason: reason, ...copyMembers(row) })}\n`
}

import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { scanSegments } from '../../allowlist/parallel-scan.ts'
import type { TableSource } from '../../allowlist/table-pages.ts'
import { CommandFailure, findErrorCode, misuse } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import { streamWhole } from '../whole-file.ts'
import type { ExportFlags } from './export-command.ts'
import { filterOf } from './filter-flags.ts'
import { importColumns } from './import/columns.ts'
import { agreeToScan, segmentsFor } from './read-cost.ts'
import { formatOf, type RowWriter, rowWriter } from './row-format.ts'
import { type ScanProgress, startScanProgress } from './scan-progress.ts'
import { openTableSource, readFailure } from './table-source.ts'

/** `landfall allow export`: page by page, as fast as the file or the reader of stdout takes them. */
export async function exportDevices(
  path: string,
  flags: ExportFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal, signal } = context
  if (flags.json === true && flags.format === 'csv') {
    throw misuse('--json is the same as --format ndjson, not csv', 'leave one of them out')
  }
  const filter = filterOf(flags)
  const named = formatOf(path)
  const format = flags.format ?? (flags.json === true ? 'ndjson' : (named.format ?? 'csv'))
  const columns = flags.columns ?? (flags.status === 'unprovisioned' ? importColumns : undefined)
  const toFile = path !== '-'
  if (toFile) await checkTarget(path)
  const source = await openTableSource(flags, context)
  try {
    const size = await agreeToScan(source, { yes: flags.yes === true, upTo: false }, context)
    const writer = rowWriter(format, columns)
    const shown =
      toFile || terminal.width() === undefined ? terminal : { ...terminal, animated: false }
    const progress = startScanProgress(shown, 'Exporting', size?.rows)
    const pages = scanSegments(
      source,
      { filter, ...(columns === undefined ? {} : { attributes: columns }) },
      flags.segments ?? segmentsFor(size),
    )
    let rows = 0
    async function* texts(): AsyncGenerator<string> {
      if (writer.head !== '') yield writer.head
      for await (const page of translated(source, pages)) {
        progress.page(page)
        rows += page.rows.length
        if (page.rows.length > 0) yield writer.write(page.rows)
      }
    }
    try {
      if (toFile) await writeFile(path, texts(), { gzip: named.gzip, signal })
      else for await (const text of texts()) await terminal.raw(text)
    } finally {
      progress.finish()
    }
    conclude({ path, toFile, rows, writer, progress }, context)
  } catch (error) {
    if (signal.aborted) {
      throw new CommandFailure(toFile ? 'interrupted: there is no file' : 'interrupted', {
        cause: error,
      })
    }
    throw error
  } finally {
    source.close()
  }
}

/** The read's failures as the command's, so that they can be told from those of the file. */
async function* translated<T>(source: TableSource, pages: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    yield* pages
  } catch (error) {
    throw readFailure(source, error)
  }
}

async function writeFile(
  path: string,
  texts: AsyncGenerator<string>,
  { gzip, signal }: { gzip: boolean; signal: AbortSignal },
): Promise<void> {
  try {
    await streamWhole(path, async (sink: Writable) => {
      const read = Readable.from(texts, { objectMode: false, highWaterMark: 1 })
      if (gzip) await pipeline(read, createGzip(), sink, { signal })
      else await pipeline(read, sink, { signal })
    })
  } catch (error) {
    throw error instanceof CommandFailure ? error : cannotWrite(path, error)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'this user’s share of the disk is used up',
  EACCES: 'this user may not write there',
  EROFS: 'the disk can only be read',
  ENOENT: 'there is no such folder',
  ENOTDIR: 'there is no such folder',
  EISDIR: 'it is a folder',
}

function cannotWrite(path: string, error: unknown): CommandFailure {
  const code = findErrorCode(error) ?? String(error)
  return new CommandFailure(`${path} can’t be written: ${REASONS[code] ?? code}`, {
    hint: 'nothing is left of it; give another file, or "-" for stdout',
    cause: error,
  })
}

/** What would fail at the end only, after all has been read and paid. */
async function checkTarget(path: string): Promise<void> {
  try {
    const there = await stat(path).catch(() => undefined)
    if (there?.isDirectory() === true) throw Object.assign(new Error('folder'), { code: 'EISDIR' })
    if (there === undefined || there.isFile()) await access(dirname(path), constants.W_OK)
  } catch (error) {
    throw cannotWrite(path, error)
  }
}

function conclude(
  done: { path: string; toFile: boolean; rows: number; writer: RowWriter; progress: ScanProgress },
  { terminal }: CommandContext,
): void {
  const { path, toFile, rows, writer, progress } = done
  const totals = progress.totals()
  const of = totals.rows === rows ? '' : ` of ${totals.rows.toLocaleString('en')}`
  const said = `${rows.toLocaleString('en')}${of} ${rows === 1 ? 'row' : 'rows'}`
  if (toFile) terminal.out(`${path}: ${said}`)
  else terminal.note(said)
  const others = writer.leftOut()
  if (others.length > 0) {
    terminal.note(
      `note: ${others.join(', ')} ${others.length === 1 ? 'is' : 'are'} no attribute of Landfall’s, so not in it; --columns or --format ndjson have them`,
    )
  }
}

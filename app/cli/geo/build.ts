import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { CommandFailure, findErrorCode } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import { writeWhole } from '../whole-file.ts'
import { buildTable } from './build-table.ts'
import { assertFresh } from './data-age.ts'
import { GeoBuildError } from './geo-build-error.ts'
import { readSource, type SourceName, stepsOf } from './read-source.ts'

export type BuildOptions = {
  readonly file: string
  readonly source: SourceName
  readonly maxAgeMonths: number
  readonly allowStale: boolean
}

export type Built = {
  readonly file: string
  readonly source: string
  readonly date: string
  readonly packages: string
  readonly attribution: string
  readonly bytes: number
  readonly rows4: number
  readonly rows6: number
  readonly places: number
  readonly seconds: number
}

/**
 * Compiles a location table into a file, whole or not at all: two builds at once don't disturb each
 * other, an interrupted one leaves nothing. Throws GeoBuildError.
 */
export async function buildLocationTable(
  options: BuildOptions,
  { terminal, signal }: Pick<CommandContext, 'terminal' | 'signal'>,
): Promise<Built> {
  const began = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'landfall-geo-'))
  const progress = terminal.progress(stepsOf(options.source) + 1)
  let step = ''
  const begin = (text: string) => {
    step = `${text} …`
    progress.step(step)
  }
  try {
    const data = await readSource(options.source, {
      folder,
      signal,
      onStep: begin,
      onPart: (part) => progress.update(step, part),
      checkDate: (date) => assertFresh(date, options, Date.now()),
    })
    begin('Writing the table')
    const parts = buildTable(data)
    // Only here is a Ctrl-C heard that came while the parts were made.
    await setImmediate()
    signal.throwIfAborted()
    await writeTable(options.file, parts)
    return {
      file: options.file,
      source: data.source,
      date: data.date,
      packages: data.packages,
      attribution: data.attribution,
      bytes: parts.reduce((sum, part) => sum + part.length, 0),
      rows4: data.v4.starts.length,
      rows6: data.v6.starts.length,
      places: data.places.size,
      seconds: (performance.now() - began) / 1000,
    }
  } catch (error) {
    if (signal.aborted) throw new CommandFailure('interrupted; nothing was written')
    throw error
  } finally {
    progress.finish()
    await rm(folder, { recursive: true, force: true })
  }
}

async function writeTable(file: string, parts: readonly Uint8Array[]): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeWhole(file, parts)
  } catch (cause) {
    const why = findErrorCode(cause) ?? String(cause)
    throw new CommandFailure(`the location table ${file} can’t be written: ${why}`, { cause })
  }
}

/** What a person can do about a build that failed. */
export function buildFailure(error: unknown): unknown {
  if (!(error instanceof GeoBuildError)) return error
  const hint = error.offline
    ? 'npm must reach its registry: npm ping'
    : 'newer data, another --source, or --allow-stale'
  return new CommandFailure(error.message, { hint, cause: error })
}

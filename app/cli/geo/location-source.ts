import { resolve } from 'node:path'
import { geoipLiteDate } from '../../../regions/geoip-lite-location.ts'
import {
  fallbackWarning,
  type LoadedLocation,
  loadLocation,
} from '../../../regions/load-location.ts'
import { LocationTableError } from '../../../regions/location-table-format.ts'
import { CommandFailure } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import { buildLocationTable } from './build.ts'
import { defaultMaxAgeMonths, isStale } from './data-age.ts'
import { GeoBuildError } from './geo-build-error.ts'
import { locationTableFile } from './location-table-file.ts'
import { defaultSource } from './read-source.ts'

/**
 * Location data for a command: the table in `file`, if one was named, else the kept one; where that
 * isn't there, or its data are too old, one is built first, with progress. Where nothing can be
 * fetched, what is there serves, geoip-lite last, and a line on stderr says so.
 */
export async function openLocation(
  context: CommandContext,
  file?: string,
): Promise<LoadedLocation> {
  if (file !== undefined) return await open(file)
  const kept = await openKept()
  if (kept !== undefined && !isStale(kept.date, defaultMaxAgeMonths, Date.now())) return kept
  try {
    context.terminal.note('Building the location table, once:')
    await buildLocationTable(
      {
        file: locationTableFile,
        source: defaultSource,
        maxAgeMonths: defaultMaxAgeMonths,
        allowStale: false,
      },
      context,
    )
    return await open(locationTableFile)
  } catch (error) {
    if (!(error instanceof GeoBuildError)) throw error
    context.terminal.note(`warning: ${error.message}`)
    if (kept === undefined) return await openFallback(context)
    context.terminal.note(`warning: the location table's data are of ${kept.date}`)
    return kept
  }
}

/**
 * The kept table's path, for an edge on this machine that must start at once: nothing is built. Where
 * there is no good one, undefined, and a line on stderr says what is used instead.
 */
export async function findLocationTable(
  terminal: Pick<CommandContext['terminal'], 'note'>,
): Promise<string | undefined> {
  const kept = await openKept()
  if (kept !== undefined) return resolve(locationTableFile)
  terminal.note(`warning: ${fallbackWarning(await geoipLiteDate())}`)
  return undefined
}

/** A kept table that can't be read (of another version, say) is as good as none: it is built anew. */
async function openKept(): Promise<LoadedLocation | undefined> {
  try {
    return await loadLocation(locationTableFile)
  } catch (error) {
    if (error instanceof LocationTableError) return undefined
    throw error
  }
}

async function openFallback({ terminal }: CommandContext): Promise<LoadedLocation> {
  const loaded = await loadLocation(undefined)
  terminal.note(`warning: ${loaded.warning ?? ''}`)
  return loaded
}

async function open(file: string): Promise<LoadedLocation> {
  try {
    return await loadLocation(file)
  } catch (error) {
    if (!(error instanceof LocationTableError)) throw error
    throw new CommandFailure(error.message, { hint: 'npm run geo:build', cause: error })
  }
}

import type { TableSource } from '../../allowlist/table-pages.ts'
import { readTableSize, type TableSize } from '../../allowlist/table-size.ts'
import { confirm } from '../confirm.ts'
import { errorMessage } from '../failure.ts'
import type { CommandContext } from '../program.ts'

/** An eventually consistent read unit takes 8 kB (DynamoDB Developer Guide, "Read and write operations"). */
const bytesPerReadUnit = 8192
/** On demand, Ireland, USD a million; docs/deploying.md has the source. */
const usdPerMillionReadUnits = 0.1415
/** A provisioned row with one of AWS's RSA certificates, as docs/deploying.md reckons it. */
const bytesPerRow = 2200

export type ReadCost = { readonly readUnits: number; readonly usd: number }

/** What reading so many bytes of a table once costs; pure. */
export function costOfReading(bytes: number): ReadCost {
  return costOfUnits(Math.ceil(bytes / bytesPerReadUnit))
}

export function costOfUnits(readUnits: number): ReadCost {
  return { readUnits, usd: (readUnits * usdPerMillionReadUnits) / 1e6 }
}

/** Bytes that one after another takes half a minute or so to read. */
const bytesPerSegment = 128e6
/** Some 1,500 read units a second each: half of what a new table on demand gives, the rest is the devices'. */
const mostSegments = 4

/** In how many parts a table is read side by side; of unknown size as a large one. */
export function segmentsFor(size: TableSize | undefined): number {
  if (size === undefined) return mostSegments
  return Math.min(mostSegments, Math.max(1, Math.ceil(size.bytes / bytesPerSegment)))
}

/**
 * Says what reading the whole table costs, and asks whether to; with `yes` it only says so. Returns the
 * size, where it is known, for a progress bar. `upTo`: less may be enough.
 */
export async function agreeToScan(
  source: TableSource,
  options: { readonly yes: boolean; readonly upTo: boolean },
  context: CommandContext,
): Promise<TableSize | undefined> {
  const { terminal } = context
  const size = await readTableSize(source).catch((error: unknown) => errorMessage(error))
  terminal.note(`This reads the whole table ${source.table}: ${describeCost(size, options.upTo)}`)
  if (!options.yes) await confirm('Read it?', 'nothing was read', context)
  return typeof size === 'string' || size.rows === 0 ? undefined : size
}

/** `size`: a sentence where it couldn't be had. */
export function describeCost(size: TableSize | string, upTo: boolean): string {
  if (typeof size === 'string') return `its size isn’t known (${size}); ${perMillion}`
  if (size.rows === 0)
    return `DynamoDB, which counts every six hours, has no rows yet; ${perMillion}`
  const { readUnits, usd } = costOfReading(size.bytes)
  const about = upTo ? 'up to about' : 'about'
  return `${about} ${size.rows.toLocaleString('en')} rows, ${inBytes(size.bytes)}, ${readUnits.toLocaleString('en')} read units, ${inUsd(usd)} (counted every six hours; on demand in Ireland)`
}

const perMillion = `a million rows of ${bytesPerRow / 1000} kB cost ${inUsd(costOfReading(1e6 * bytesPerRow).usd)} on demand in Ireland`

export function inUsd(usd: number): string {
  return usd < 0.01 ? 'less than 0.01 USD' : `${usd.toFixed(2)} USD`
}

/** Decimal units, as AWS bills them for transfer and storage. */
export function inBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  let value = bytes / 1000
  let at = 0
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000
    at++
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[at]}`
}

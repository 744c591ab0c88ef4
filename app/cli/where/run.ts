import { stdin } from 'node:process'
import { createInterface } from 'node:readline'
import type { LoadedLocation } from '../../../regions/load-location.ts'
import { parseAddress, publicAddress } from '../../../regions/location.ts'
import { openLocation } from '../geo/location-source.ts'
import type { CommandContext } from '../program.ts'
import type { WhereFlags } from './command.ts'

/** One answer, as `--json` prints it; members that aren't known are null. */
export type Whereabouts = {
  /** As it was given. */
  readonly ip: string
  readonly lat: number | null
  readonly lon: number | null
  readonly country: string | null
  readonly continent: string | null
  readonly confidence: string | null
  readonly source: string
  readonly date: string
  /** Why an address has no place; null where it has one. */
  readonly reason: 'no address' | 'not public' | 'not in the data' | null
}

/** Rows of one table: columns can't be aligned over a stream without end. */
const rowsOfTable = 500

const header = ['address', 'lat', 'lon', 'country', 'continent', 'confidence', 'source', 'date']

/** `landfall where`: answers in the order of the questions, each as soon as it is known. */
export async function runWhere(
  addresses: readonly string[],
  flags: WhereFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context
  const location = await openLocation(context, flags.table)
  let rows: string[][] = []
  const printTable = () => {
    if (rows.length > 0) terminal.table(header, rows)
    rows = []
  }
  for await (const ip of readAddresses(addresses, context.signal)) {
    const found = whereIs(ip, location)
    if (flags.json === true) terminal.json(found)
    else if (rows.push(asRow(found)) >= rowsOfTable) printTable()
  }
  printTable()
}

async function* readAddresses(addresses: readonly string[], signal: AbortSignal) {
  for (const address of addresses) {
    if (address !== '-') yield address
    else
      for await (const line of createInterface({ input: stdin, signal })) {
        if (line.trim() !== '') yield line.trim()
      }
  }
}

/** Where an address is; pure. */
export function whereIs(
  ip: string,
  { locate, source, date }: Pick<LoadedLocation, 'locate' | 'source' | 'date'>,
): Whereabouts {
  const found = locate(ip)
  if (found !== undefined) {
    const { lat, lon, country, continent, confidence } = found
    return { ip, lat, lon, country, continent, confidence, source, date, reason: null }
  }
  const nothing = { lat: null, lon: null, country: null, continent: null, confidence: null }
  return { ip, ...nothing, source, date, reason: whyUnknown(ip) }
}

function whyUnknown(ip: string): Exclude<Whereabouts['reason'], null> {
  if (parseAddress(ip) === undefined) return 'no address'
  return publicAddress(ip) === undefined ? 'not public' : 'not in the data'
}

function asRow(found: Whereabouts): string[] {
  const { ip, lat, lon, country, continent, confidence, source, date, reason } = found
  if (reason !== null) return [ip, '-', '-', '-', '-', `unknown: ${reason}`, source, date]
  return [ip, degrees(lat), degrees(lon), country, continent, confidence, source, date].map(
    (cell) => cell ?? '-',
  )
}

function degrees(value: number | null): string {
  return value === null ? '-' : value.toFixed(2)
}

import { parseRow, type Row } from '../../allowlist/device-row.ts'
import { type Listing, openListing } from '../../allowlist/listing.ts'
import { type ListingPlan, planListing } from '../../allowlist/listing-plan.ts'
import type { TableSource } from '../../allowlist/table-pages.ts'
import { type DeviceRecord, productNameOf } from '../../provisioning/device-record.ts'
import { CommandFailure, errorMessage, misuse } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import type { Terminal } from '../terminal.ts'
import { filterOf } from './filter-flags.ts'
import type { ListFlags } from './list-command.ts'
import { findToken, type ListToken, renderToken } from './list-token.ts'
import { agreeToScan } from './read-cost.ts'
import { startScanProgress } from './scan-progress.ts'
import { openTableSource, readFailure } from './table-source.ts'

/** Rows of one table: columns can't be aligned over a list without end. */
const rowsOfTable = 500
const header = ['device', 'status', 'product', 'region', 'since', 'certificate']

/** `landfall allow list`: as many as are wanted, by an index where one has them, and how to go on. */
export async function listDevices(flags: ListFlags, context: CommandContext): Promise<void> {
  const { terminal, signal } = context
  const left = readToken(flags)
  const { filter, scan } = left
  const plan = planListing(filter, scan)
  const source = await openTableSource(flags, context)
  try {
    const whole = plan.kind === 'scan' && (plan.filtered || flags.all === true)
    const size = whole
      ? await agreeToScan(source, { yes: flags.yes === true, upTo: flags.all !== true }, context)
      : undefined
    const progress = startScanProgress(terminal, 'Reading', size?.rows)
    const listing = openListing(source, filter, plan, {
      positions: left.positions,
      onPage: progress.page,
      ...(flags.all === true ? {} : { wanted: flags.limit }),
    })
    const shown = showRows(terminal, flags.json === true)
    const wanted = flags.all === true ? Number.POSITIVE_INFINITY : flags.limit
    try {
      await take(listing, wanted, shown.add)
      const more = (await listing.peek()) !== undefined
      progress.finish()
      shown.end()
      conclude({ plan, count: shown.count(), unreadable: shown.unreadable(), source }, terminal)
      if (more)
        terminal.note(`next: ${renderToken({ filter, scan, positions: listing.positions() })}`)
    } catch (error) {
      progress.finish()
      shown.end()
      const token = renderToken({ filter, scan, positions: listing.positions() })
      if (signal.aborted) {
        throw new CommandFailure('interrupted', { hint: `go on with --from ${token}` })
      }
      throw readFailure(source, error)
    }
  } finally {
    source.close()
  }
}

async function take(listing: Listing, wanted: number, add: (row: Row) => void): Promise<void> {
  for (let count = 0; count < wanted; count++) {
    const row = await listing.take()
    if (row === undefined) return
    add(row)
  }
}

/** What is to be listed, from where: the token's own filter counts, with the times that it began with. */
function readToken(flags: ListFlags): ListToken {
  const asked = filterOf(flags)
  const scan = flags.scan === true
  if (flags.from === undefined) return { filter: asked, scan, positions: [] }
  const token = findToken(flags.from)
  if (token === undefined)
    throw misuse('--from is no token of allow list', 'a list prints "next: …"')
  const { filter } = token
  const other = (['status', 'product', 'region'] as const).some(
    (name) => asked[name] !== undefined && asked[name] !== filter[name],
  )
  const otherTimes = (['since', 'until'] as const).some(
    (name) => asked[name] !== undefined && filter[name] === undefined,
  )
  const partitions = partitionsOf(planListing(filter, token.scan))
  if (token.positions.length !== partitions) throw misuse('--from is no token of allow list')
  if (other || otherTimes || (scan && !token.scan)) {
    throw misuse('--from goes on with another list', 'give the filters that it began with, or none')
  }
  return token
}

function partitionsOf(plan: ListingPlan): number {
  return plan.kind === 'scan' ? 1 : plan.partitions.length
}

/** Rows as they come: JSON at once, else tables of some hundred. */
function showRows(terminal: Terminal, json: boolean) {
  let count = 0
  let rows: string[][] = []
  const unreadable: string[] = []
  const end = () => {
    if (rows.length === 0) return
    terminal.table(header, rows)
    rows = []
  }
  return {
    add(row: Row) {
      count++
      const read = readListed(row)
      if ('problem' in read) unreadable.push(read.thingName)
      if (json) {
        terminal.json(
          'problem' in read ? { thingName: read.thingName, unreadable: read.problem } : read,
        )
      } else if (rows.push(asCells(read)) >= rowsOfTable) end()
    },
    end,
    count: () => count,
    unreadable: () => unreadable,
  }
}

type ListedDevice = Required<Pick<DeviceRecord, 'thingName' | 'status'>> &
  Pick<DeviceRecord, 'region' | 'statusSince' | 'certificateId'> & { readonly product: string }

function readListed(row: Row): ListedDevice | { thingName: string; problem: string } {
  try {
    const record = parseRow(row)
    const { thingName, status, region, statusSince, certificateId } = record
    return {
      thingName,
      status,
      product: productNameOf(record),
      ...(region === undefined ? {} : { region }),
      ...(statusSince === undefined ? {} : { statusSince }),
      ...(certificateId === undefined ? {} : { certificateId }),
    }
  } catch (error) {
    return { thingName: row.thing_name?.S ?? '?', problem: errorMessage(error) }
  }
}

function asCells(read: ReturnType<typeof readListed>): string[] {
  if ('problem' in read) return [read.thingName, 'unreadable', '-', '-', '-', '-']
  const { thingName, status, product, region, statusSince, certificateId } = read
  const since =
    statusSince === undefined ? '-' : `${new Date(statusSince).toISOString().slice(0, 19)}Z`
  const certificate = certificateId === undefined ? '-' : `${certificateId.slice(0, 10)}…`
  return [thingName, status, product, region ?? '-', since, certificate]
}

function conclude(
  listed: { plan: ListingPlan; count: number; unreadable: readonly string[]; source: TableSource },
  terminal: Terminal,
): void {
  const { plan, count, unreadable } = listed
  if (count === 0) terminal.note('no device matches')
  const [first] = unreadable
  if (first !== undefined) {
    terminal.note(
      `note: ${unreadable.length} of these rows ${unreadable.length === 1 ? 'is' : 'are'} no device record: npx landfall allow show ${first} says why`,
    )
  }
  if (plan.kind === 'index' && plan.missesUnasked) {
    terminal.note('note: devices that never asked are in no index; --scan has them too')
  }
}

import { parseRow } from '../../allowlist/device-row.ts'
import { scanSegments } from '../../allowlist/parallel-scan.ts'
import { CommandFailure } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import { shareBar } from '../share-bar.ts'
import type { Terminal } from '../terminal.ts'
import { agreeToScan, costOfUnits, inUsd, segmentsFor } from './read-cost.ts'
import { startScanProgress } from './scan-progress.ts'
import type { StatsFlags } from './stats-command.ts'
import { openTableSource, readFailure } from './table-source.ts'
import { type Group, sharesBy, startTally } from './tally.ts'

/** What a count looks at, and what a list shows: no more is sent. */
const attributes = ['thing_name', 'prov_status', 'product', 'aws_region', 'prov_datetime']
const barColumns = 30
const linesShown = 40

type Stats = {
  readonly table: string
  readonly devices: number
  /** Rows that are no device record, by what a list of devices shows of them. */
  readonly unreadable: number
  readonly examples: readonly string[]
  readonly groups: readonly Group[]
  readonly readUnits: number
}

/** `landfall allow stats`: one read of the whole table. */
export async function countDevices(flags: StatsFlags, context: CommandContext): Promise<void> {
  const { terminal, signal } = context
  const source = await openTableSource(flags, context)
  try {
    const size = await agreeToScan(source, { yes: flags.yes === true, upTo: false }, context)
    const progress = startScanProgress(terminal, 'Counting', size?.rows)
    const tally = startTally()
    const examples: string[] = []
    let devices = 0
    let unreadable = 0
    try {
      const range = { filter: {}, attributes }
      for await (const page of scanSegments(source, range, flags.segments ?? segmentsFor(size))) {
        progress.page(page)
        for (const row of page.rows) {
          try {
            tally.add(parseRow(row))
            devices++
          } catch {
            if (unreadable++ < 3) examples.push(row.thing_name?.S ?? '?')
          }
        }
      }
    } catch (error) {
      if (signal.aborted) throw new CommandFailure('interrupted', { cause: error })
      throw readFailure(source, error)
    } finally {
      progress.finish()
    }
    const { readUnits } = progress.totals()
    const { table } = source
    const stats = { table, devices, unreadable, examples, groups: tally.groups(), readUnits }
    if (flags.json === true) terminal.json(asJson(stats))
    else inWords(stats, terminal)
  } finally {
    source.close()
  }
}

function asJson({ groups, examples: _, ...stats }: Stats) {
  const counts = <K extends 'status' | 'product' | 'region'>(member: K) =>
    sharesBy(groups, member).map(({ value, ...counted }) => ({ [member]: value, ...counted }))
  return {
    ...stats,
    statuses: sharesBy(groups, 'status').map((it) => ({ status: it.value, devices: it.devices })),
    products: counts('product'),
    regions: counts('region'),
    groups,
  }
}

function inWords(stats: Stats, terminal: Terminal): void {
  const { devices, unreadable, groups, readUnits } = stats
  const count = devices.toLocaleString('en')
  terminal.out(`${count} ${devices === 1 ? 'device' : 'devices'} in ${stats.table}`)
  for (const member of ['status', 'product', 'region'] as const) {
    const shares = sharesBy(groups, member)
    if (shares.length === 0) continue
    terminal.out('')
    const most = shares[0]?.devices ?? 1
    terminal.table(
      [member, 'devices', 'share %', ...(member === 'status' ? [] : ['provisioned'])],
      shares
        .slice(0, linesShown)
        .map((it) => [
          it.value ?? 'none',
          it.devices.toLocaleString('en'),
          ((it.devices / devices) * 100).toFixed(1),
          ...(member === 'status' ? [] : [it.provisioned.toLocaleString('en')]),
          ...(terminal.width() !== undefined ? [shareBar(it.devices / most, barColumns)] : []),
        ]),
    )
    const more = shares.length - linesShown
    if (more > 0) terminal.out(`and ${more} more: --json has all`)
  }
  if (unreadable > 0) {
    const rows = unreadable === 1 ? 'row is' : 'rows are'
    terminal.note(
      `note: ${unreadable.toLocaleString('en')} ${rows} no device record: ${stats.examples.join(', ')}${unreadable > stats.examples.length ? ' …' : ''}; npx landfall allow show NAME says why`,
    )
  }
  const { usd } = costOfUnits(readUnits)
  terminal.note(`read ${readUnits.toLocaleString('en')} units, ${inUsd(usd)}`)
}

import type { DeviceFilter } from './device-filter.ts'
import type { Row } from './device-row.ts'
import type { ListingPlan } from './listing-plan.ts'
import { allowListIndexes, indexedAttributes } from './table-layout.ts'
import { queryIndex, scanTable, type TablePage, type TableSource } from './table-pages.ts'

/** Where a listing goes on in one partition: after these key attributes, at its beginning or not at all. */
export type Position = readonly string[] | 'begin' | 'end'

/** Devices one by one, newest first (of a scan: in no order), from where a listing was left. */
export type Listing = {
  /** The next row without taking it; undefined at the end. Throws the SDK's error. */
  peek(): Promise<Row | undefined>
  take(): Promise<Row | undefined>
  /** Where to go on: behind all that was taken or passed over. One for each partition of the plan. */
  positions(): Position[]
}

export type ListingOptions = {
  /** As `positions` gave them. Default: from the beginning. */
  readonly positions?: readonly Position[]
  /** So many are wanted: no more is read at once, where each row that is read matches. */
  readonly wanted?: number
  readonly onPage?: (page: TablePage) => void
}

/** What a row of a list is made of: what the indexes hold. */
const listedAttributes = ['thing_name', 'prov_datetime', ...indexedAttributes]

/** Opens the listing of a plan (`planListing` of the same filter). */
export function openListing(
  source: TableSource,
  filter: DeviceFilter,
  plan: ListingPlan,
  options: ListingOptions = {},
): Listing {
  const { positions = [], wanted, onPage = () => {} } = options
  // One more, to know whether there is more.
  const paged = wanted === undefined ? {} : { pageRows: wanted + 1 }
  if (plan.kind === 'scan') {
    const range = { filter, attributes: listedAttributes, ...(plan.filtered ? {} : paged) }
    const open = (start: Row | undefined) => scanTable(source, { ...range, start })
    return openCursor(['thing_name'], positions[0], open, onPage)
  }
  const { partition: partitionKey, sort } = allowListIndexes[plan.index]
  const others = renderedOthers(filter, partitionKey)
  const cursors = plan.partitions.map((partition, at) => {
    const open = (start: Row | undefined) =>
      queryIndex(
        source,
        { index: plan.index, partition, filter },
        {
          start: start && { ...start, [partitionKey]: { S: partition } },
          ...(others ? {} : paged),
        },
      )
    return openCursor([sort, 'thing_name'], positions[at], open, onPage)
  })
  return newestOf(cursors, sort)
}

/** Whether the filter asks for more than the index's own key does. */
function renderedOthers({ status, product, region }: DeviceFilter, partitionKey: string): boolean {
  const asked = { prov_status: status, product, aws_region: region }
  return Object.entries(asked).some(([name, it]) => it !== undefined && name !== partitionKey)
}

/** One run of pages, row by row. `keys`: what its position consists of. */
function openCursor(
  keys: readonly string[],
  begin: Position = 'begin',
  open: (start: Row | undefined) => AsyncGenerator<TablePage>,
  onPage: (page: TablePage) => void,
): Listing {
  let position = begin
  let rows: readonly Row[] = []
  let taken = 0
  const start =
    typeof begin === 'string'
      ? undefined
      : Object.fromEntries(keys.map((key, at) => [key, { S: begin[at] ?? '' }]))
  const pages = begin === 'end' ? undefined : open(start)
  const positionOf = (key: Row) => keys.map((name) => key[name]?.S ?? '')

  async function peek(): Promise<Row | undefined> {
    while (taken >= rows.length && position !== 'end') {
      const next = await pages?.next()
      if (next === undefined || next.done === true) {
        position = 'end'
        break
      }
      const page = next.value
      onPage(page)
      rows = page.rows
      taken = 0
      if (rows.length === 0)
        position = page.lastKey === undefined ? 'end' : positionOf(page.lastKey)
    }
    return rows[taken]
  }

  return {
    peek,
    async take() {
      const row = await peek()
      if (row === undefined) return undefined
      taken++
      position = positionOf(row)
      return row
    },
    positions: () => [position],
  }
}

function newestOf(cursors: readonly Listing[], sort: string): Listing {
  async function newest(): Promise<Listing | undefined> {
    const heads = await Promise.all(
      cursors.map(async (cursor) => ({ cursor, at: (await cursor.peek())?.[sort]?.S })),
    )
    let best: (typeof heads)[number] | undefined
    for (const head of heads) {
      if (head.at !== undefined && (best?.at === undefined || head.at > best.at)) best = head
    }
    return best?.cursor
  }
  return {
    peek: async () => await (await newest())?.peek(),
    take: async () => await (await newest())?.take(),
    positions: () => cursors.flatMap((it) => it.positions()),
  }
}

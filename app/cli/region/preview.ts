import { findRegion } from '../../../regions/catalogue.ts'
import { findContinent } from '../../../regions/continent.ts'
import { type PlacementInput, place } from '../../../regions/placement.ts'
import { listArrivals } from '../../allowlist/arrivals.ts'
import { readProducts } from '../../products/control-table.ts'
import type { Product } from '../../products/product.ts'
import { listStatuses } from '../../region-status/status-table.ts'
import { misuse } from '../failure.ts'
import { onAws } from '../product/control-access.ts'
import type { CommandContext } from '../program.ts'
import type { DrainFlags } from './command.ts'
import { checkRegion, openRegions } from './region-access.ts'

const days = 7
const dayMs = 86_400_000

/** What would become of one product's new devices: how many a day, by region; `null`: told to wait. */
type Redirected = {
  readonly product: string
  readonly lastDay: number
  readonly perDay: number
  readonly perDayTo: readonly { readonly region: string | null; readonly perDay: number }[]
}

/** `landfall region drain --preview`: the last week's new devices of a region, placed without it. */
export async function previewDrain(
  region: string,
  flags: DrainFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context
  const { control, config } = await openRegions(flags, context)
  if (config === undefined) {
    throw misuse('a preview has to know the enabled regions', 'add --config FILE or --local FILE')
  }
  checkRegion(region, config)
  const [{ products }, statuses] = await onAws('the control table can’t be read', () =>
    Promise.all([
      readProducts(control.client, control.table, control.signal),
      listStatuses(control),
    ]),
  )
  const draining = statuses.rows.filter((it) => it.status === 'draining').map((it) => it.region)
  const enabledRegions = config.deviceRegions.map((it) => it.region)
  const placeWithout = (product: Product, thingName: string) =>
    place({
      ...standingIn(region),
      policy: product.regionPolicy,
      enabledRegions,
      unavailable: new Map([region, ...draining].map((it) => [it, 'draining'])),
      thingName,
    }).region ?? null

  const now = Date.now()
  const counted = new Map<string, { lastDay: number; to: Map<string | null, number> }>()
  const source = { client: control.client, table: config.tables.allowList, signal: control.signal }
  await onAws('the allow-list’s index can’t be read', async () => {
    for await (const device of listArrivals(source, region, now - days * dayMs)) {
      const of = counted.get(device.product) ?? { lastDay: 0, to: new Map() }
      counted.set(device.product, of)
      if (now - device.at <= dayMs) of.lastDay += 1
      const product = products.get(device.product)
      const to = product === undefined ? null : placeWithout(product, device.thingName)
      of.to.set(to, (of.to.get(to) ?? 0) + 1)
    }
  })
  const all = [...counted].map(([product, { lastDay, to }]): Redirected => {
    const perDayTo = [...to]
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => ({ region: name, perDay: count / days }))
    return { product, lastDay, perDay: perDayTo.reduce((sum, it) => sum + it.perDay, 0), perDayTo }
  })
  all.sort((a, b) => b.perDay - a.perDay || (a.product < b.product ? -1 : 1))
  const assumed = assumption(region)
  if (flags.json === true) return terminal.json({ region, days, products: all, assumed })
  if (all.length === 0) {
    terminal.out(`no new devices came to ${region} in the last ${days} days`)
    return
  }
  terminal.table(
    ['product', 'last 24 h', `a day, of ${days}`, `instead of ${region}, a day`],
    all.map((it) => [
      it.product,
      String(it.lastDay),
      figure(it.perDay),
      it.perDayTo.map((to) => `${to.region ?? 'told to wait'} ${figure(to.perDay)}`).join(', '),
    ]),
  )
  terminal.note(`note: ${assumed}`)
}

/** A device at the region's own place: where the region's devices are isn't kept anywhere. */
function standingIn(region: string): Pick<PlacementInput, 'location'> {
  const place = findRegion(region)
  if (place === undefined) return { location: undefined }
  const { lat, lon, country } = place
  const continent = findContinent(country)
  return { location: { lat, lon, country, ...(continent === undefined ? {} : { continent }) } }
}

function assumption(region: string): string {
  const { city = region, country = '' } = findRegion(region) ?? {}
  return `each device is taken to be in ${city} (${country}), as where devices asked from isn’t kept; rules by address or attribute match none; nothing was changed`
}

/** One decimal below ten. */
function figure(value: number): string {
  return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : String(Math.round(value))
}

import { defaultProductName, deviceStatuses } from '../provisioning/device-record.ts'
import type { DeviceFilter } from './device-filter.ts'
import type { IndexName } from './table-pages.ts'

/** How the devices that a filter means are found. */
export type ListingPlan =
  | {
      readonly kind: 'index'
      readonly index: IndexName
      /** Read side by side, newest first over all of them. */
      readonly partitions: readonly string[]
      /** Devices that never asked are meant too, and in no index. */
      readonly missesUnasked: boolean
    }
  | {
      readonly kind: 'scan'
      /** It may have to read the whole table for few rows; else it reads just what it shows. */
      readonly filtered: boolean
    }

/**
 * Chooses the narrowest index that has every device that is meant, else the table itself (`scan` insists
 * on that). An index holds only rows with a `prov_datetime`: no device that only may ask. Pure.
 */
export function planListing(filter: DeviceFilter, scan = false): ListingPlan {
  const { status, product, region, since, until } = filter
  const timed = since !== undefined || until !== undefined
  const filtered = timed || (status ?? product ?? region) !== undefined
  const unasked = status === 'unprovisioned' && !timed
  if (scan || !filtered || unasked) return { kind: 'scan', filtered }
  const by = (index: IndexName, ...partitions: string[]) =>
    ({ kind: 'index', index, partitions, missesUnasked: false }) as const
  // Few devices are anything but provisioned.
  if (status !== undefined && status !== 'provisioned') return by('by_status', status)
  const missesUnasked = status === undefined && !timed
  // A row may name its region before its device ever asks: an import's aws_region.
  if (region !== undefined) return { ...by('by_region', region), missesUnasked }
  // Rows that the seed provisioned name no product.
  if (product !== undefined && product !== defaultProductName) {
    return { ...by('by_product', product), missesUnasked }
  }
  if (status !== undefined) return by('by_status', status)
  return { ...by('by_status', ...deviceStatuses), missesUnasked }
}

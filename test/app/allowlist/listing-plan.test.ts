import { describe, expect, it } from 'vitest'
import type { DeviceFilter } from '../../../app/allowlist/device-filter.ts'
import { planListing } from '../../../app/allowlist/listing-plan.ts'

const region = 'eu-west-1'
const all = ['unprovisioned', 'provisioning', 'provisioned', 'blocked']

describe('planListing', () => {
  it.each<[DeviceFilter, string, readonly string[], boolean]>([
    [{ status: 'provisioning' }, 'by_status', ['provisioning'], false],
    [{ status: 'blocked', product: 'lamps', region }, 'by_status', ['blocked'], false],
    [{ status: 'provisioned', region }, 'by_region', [region], false],
    [{ region }, 'by_region', [region], true],
    [{ region, product: 'lamps' }, 'by_region', [region], true],
    [{ region, since: 0 }, 'by_region', [region], false],
    [{ status: 'provisioned', product: 'lamps' }, 'by_product', ['lamps'], false],
    [{ status: 'provisioned' }, 'by_status', ['provisioned'], false],
    [{ product: 'lamps' }, 'by_product', ['lamps'], true],
    [{ product: 'lamps', since: 0 }, 'by_product', ['lamps'], false],
    // Rows that the seed provisioned name no product: the index of products hasn't them.
    [{ product: 'default', status: 'provisioned' }, 'by_status', ['provisioned'], false],
    [{ product: 'default' }, 'by_status', all, true],
    [{ since: 0 }, 'by_status', all, false],
    // Let in anew by hand, as docs/operators.md had it: its time stayed.
    [{ status: 'unprovisioned', until: 0 }, 'by_status', ['unprovisioned'], false],
  ])('finds %j in %s', (filter, index, partitions, missesUnasked) => {
    expect(planListing(filter)).toEqual({ kind: 'index', index, partitions, missesUnasked })
  })

  it.each<[DeviceFilter, boolean, boolean]>([
    [{}, false, false],
    [{ status: 'unprovisioned' }, false, true],
    [{ product: 'lamps' }, true, true],
  ])('reads the table for %j', (filter, scan, filtered) => {
    expect(planListing(filter, scan)).toEqual({ kind: 'scan', filtered })
  })
})

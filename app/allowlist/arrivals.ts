import { defaultProductName } from '../provisioning/device-record.ts'
import { queryIndex, type TableSource } from './table-pages.ts'

/** A device that was provisioned in a region, as the index of regions has it. */
export type Arrival = {
  readonly thingName: string
  readonly product: string
  /** Epoch milliseconds, in whole seconds. */
  readonly at: number
}

/**
 * The devices that a region was given since then, newest first: eventually consistent, and without those
 * that have moved away meanwhile. Throws the SDK's error where the index can't be read.
 */
export async function* listArrivals(
  source: TableSource,
  region: string,
  since: number,
): AsyncGenerator<Arrival> {
  const filter = { status: 'provisioned', since } as const
  const query = { index: 'by_region', partition: region, filter } as const
  for await (const { rows } of queryIndex(source, query)) {
    for (const row of rows) {
      const thingName = row.thing_name?.S
      const at = Date.parse(`${row.prov_datetime?.S}Z`)
      if (thingName === undefined || Number.isNaN(at)) continue
      yield { thingName, product: row.product?.S ?? defaultProductName, at }
    }
  }
}

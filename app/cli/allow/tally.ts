import { type DeviceRecord, productNameOf } from '../../provisioning/device-record.ts'

/** So many devices of one status, product and region (none: the record names no region). */
export type Group = {
  readonly status: DeviceRecord['status']
  readonly product: string
  readonly region: string | null
  readonly devices: number
}

export type Tally = {
  add(record: DeviceRecord): void
  /** The largest first. */
  groups(): readonly Group[]
}

/** Counts device records by status, product and region. */
export function startTally(): Tally {
  const counts = new Map<string, { group: Omit<Group, 'devices'>; devices: number }>()
  return {
    add(record) {
      const { status, region = null } = record
      const product = productNameOf(record)
      const key = JSON.stringify([status, product, region])
      const counted = counts.get(key)
      if (counted === undefined) {
        counts.set(key, { group: { status, product, region }, devices: 1 })
      } else counted.devices++
    },
    groups: () =>
      [...counts.values()]
        .map(({ group, devices }) => ({ ...group, devices }))
        .sort((a, b) => b.devices - a.devices),
  }
}

export type Share<T> = { readonly value: T; readonly devices: number; readonly provisioned: number }

/** The groups by one of their members, the largest first; pure. */
export function sharesBy<K extends 'status' | 'product' | 'region'>(
  groups: readonly Group[],
  member: K,
): Share<Group[K]>[] {
  const shares = new Map<Group[K], { devices: number; provisioned: number }>()
  for (const group of groups) {
    const share = shares.get(group[member]) ?? { devices: 0, provisioned: 0 }
    shares.set(group[member], share)
    share.devices += group.devices
    if (group.status === 'provisioned') share.provisioned += group.devices
  }
  return [...shares]
    .map(([value, counted]) => ({ value, ...counted }))
    .sort((a, b) => b.devices - a.devices)
}

import { arnOf } from './arn.ts'
import type { Registry } from './registry.ts'

/** One certificate as an audit sees it; `createdAt` in ms since 1970, `policies` by name. */
export type Identity = {
  readonly region: string
  readonly certificateId: string
  readonly status: 'ACTIVE' | 'INACTIVE' | 'REVOKED'
  readonly createdAt: number
  readonly policies: readonly string[]
}

/** Every certificate of the account in all Regions, by what it is attached to. */
export type Identities = {
  readonly things: Readonly<Record<string, readonly Identity[]>>
  /** Attached to no thing. */
  readonly unattached: readonly Identity[]
  /** How many of those are ACTIVE, by Region; a Region without any is left out. */
  readonly activeUnattached: Readonly<Record<string, number>>
}

/** Read at one instant, straight from the store: no call is made, so no quota is used. */
export function listIdentities(registry: Registry, accountId: string): Identities {
  const policies = new Map<string, string[]>()
  for (const { source: arn, target: policy } of registry.attachedPolicies.listEverywhere(
    accountId,
  )) {
    policies.set(arn, [...(policies.get(arn) ?? []), policy])
  }
  const unattached = new Map<string, Identity>()
  for (const { region, value } of registry.certificates.listEverywhere(accountId)) {
    const { certificateId, status, createdAt } = value
    unattached.set(keyOf(region, certificateId), {
      region,
      certificateId,
      status,
      createdAt: Math.round(createdAt * 1000),
      policies: policies.get(arnOf({ accountId, region }, 'cert', certificateId)) ?? [],
    })
  }
  const known = new Map(unattached)
  const things = new Map<string, Identity[]>()
  for (const link of registry.attachedThings.listEverywhere(accountId)) {
    const key = keyOf(link.region, link.source)
    const identity = known.get(key)
    if (identity === undefined) throw new Error(`thing ${link.target} has an unknown certificate`)
    unattached.delete(key)
    things.set(link.target, [...(things.get(link.target) ?? []), identity])
  }
  const rest = [...unattached.values()]
  return { things: Object.fromEntries(things), unattached: rest, activeUnattached: count(rest) }
}

function keyOf(region: string, certificateId: string): string {
  return `${region}/${certificateId}`
}

function count(unattached: readonly Identity[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const { region, status } of unattached) {
    if (status === 'ACTIVE') counts.set(region, (counts.get(region) ?? 0) + 1)
  }
  return Object.fromEntries(counts)
}

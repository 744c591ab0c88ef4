import { findRegion } from './catalogue.ts'
import { distanceKm, type Place } from './distance.ts'
import type { RegionPolicy } from './region-policy.ts'

/** A region a device could land in; `distanceKm` is absent where the device's place isn't known. */
export type Candidate = { readonly region: string; readonly distanceKm?: number }

/** Where a device lands and why: the rule that decided, and every candidate in the order of preference. */
export type Placement = {
  readonly region: string
  readonly rule: 'pinned' | 'nearest' | 'default'
  readonly distanceKm?: number
  readonly candidates: readonly Candidate[]
}

/**
 * Places a device: pure. A pin wins, within the allowed and enabled regions. Otherwise the nearest of the policy's enabled regions, by great circle; the default
 * region where the place isn't known. Equal distances are settled by the region's name, so a tie is
 * stable. Undefined where the policy leaves no enabled region.
 */
export function place(input: {
  policy: RegionPolicy
  enabledRegions: readonly string[]
  location: Place | undefined
  /** The region that an operator wants this device in. */
  pin?: string | undefined
}): Placement | undefined {
  const { policy, enabledRegions, location, pin } = input
  const allowed = enabledRegions.filter((name) => policy.allowedRegions?.includes(name) ?? true)
  if (pin !== undefined) return allowed.includes(pin) ? pinned(pin, location) : undefined
  if (location === undefined) {
    if (!allowed.includes(policy.defaultRegion)) return undefined
    const others = allowed.filter((name) => name !== policy.defaultRegion).sort()
    const candidates = [policy.defaultRegion, ...others].map((region) => ({ region }))
    return { region: policy.defaultRegion, rule: 'default', candidates }
  }
  const candidates = allowed
    .flatMap((region) => {
      const row = findRegion(region)
      return row === undefined ? [] : [{ region, distanceKm: distanceKm(location, row) }]
    })
    .sort((a, b) => a.distanceKm - b.distanceKm || (a.region < b.region ? -1 : 1))
  const [nearest] = candidates
  if (nearest === undefined) return undefined
  return { region: nearest.region, rule: 'nearest', distanceKm: nearest.distanceKm, candidates }
}

function pinned(region: string, location: Place | undefined): Placement {
  const row = findRegion(region)
  const candidate: Candidate =
    row === undefined || location === undefined
      ? { region }
      : { region, distanceKm: distanceKm(location, row) }
  return { ...candidate, rule: 'pinned', candidates: [candidate] }
}

/** The placement's reason in one line, for the record, the log and people. */
export function describePlacement(placement: Placement): string {
  if (placement.rule === 'pinned') return 'pinned: an operator wants the device here'
  if (placement.rule === 'default') return 'default region: the address has no known position'
  const others = placement.candidates
    .slice(1, 3)
    .map((candidate) => `${candidate.region} ${Math.round(candidate.distanceKm ?? 0)} km`)
  const distance = `${Math.round(placement.distanceKm ?? 0)} km`
  return others.length === 0
    ? `nearest: ${distance}, the only candidate`
    : `nearest: ${distance}, before ${others.join(', ')}`
}

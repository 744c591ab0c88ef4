import { findRegion } from './catalogue.ts'
import { distanceKm, type Place } from './distance.ts'
import type { RegionPolicy, Strategy, Weights } from './region-policy.ts'
import { orderByWeight } from './weighted-order.ts'

/**
 * A region that a device could land in. `distanceKm` is absent where the device's place isn't known;
 * `share` is the part of all devices that a weighted choice gives it, 0 to 1.
 */
export type Candidate = {
  readonly region: string
  readonly distanceKm?: number
  readonly share?: number
}

/** Regions not to be used now, and why. */
export type Unavailable = ReadonlyMap<string, 'down' | 'draining'>

/** A region that would have been a candidate, and why it is none; `failed`: this very attempt did there. */
export type Skipped = {
  readonly region: string
  readonly why: 'not-enabled' | 'down' | 'draining' | 'failed' | 'no-weight'
  readonly distanceKm?: number
}

/**
 * What put the candidates in their order. Where no position is known, `nearest` goes by the distance
 * from the default region: `default` where it comes first itself, else `near-default`.
 */
export type Choice = {
  readonly basis: Strategy | 'pinned' | 'default' | 'near-default'
  readonly candidates: readonly Candidate[]
  readonly skipped: readonly Skipped[]
}

/** Those regions of a list that can be used, in the order of the strategy; and those that can't. */
export function choose(
  input: {
    readonly policy: RegionPolicy
    readonly enabledRegions: readonly string[]
    readonly unavailable?: Unavailable | undefined
    readonly location: Place | undefined
    readonly thingName: string
  },
  regions: readonly string[],
  strategy: Strategy | 'pinned',
  weights: Weights = {},
): Choice {
  const { location, enabledRegions, unavailable } = input
  const usable: string[] = []
  const skipped: Skipped[] = []
  for (const region of new Set(regions)) {
    const why = !enabledRegions.includes(region)
      ? 'not-enabled'
      : strategy === 'weighted' && !weightOf(weights, region)
        ? 'no-weight'
        : unavailable?.get(region)
    if (why === undefined) usable.push(region)
    else skipped.push({ ...measured(region, location), why })
  }
  switch (strategy) {
    case 'weighted':
      return { basis: 'weighted', candidates: weighted(input, usable, weights), skipped }
    case 'static':
    case 'pinned': {
      const candidates = usable.map((region) => measured(region, location))
      return { basis: strategy, candidates, skipped }
    }
    case 'nearest': {
      const from = location ?? findRegion(input.policy.defaultRegion)
      const candidates = byDistance(usable, from).map((region) => measured(region, location))
      if (location !== undefined) return { basis: 'nearest', candidates, skipped }
      const isDefault = candidates[0]?.region === input.policy.defaultRegion
      return { basis: isDefault ? 'default' : 'near-default', candidates, skipped }
    }
  }
}

function byDistance(regions: readonly string[], from: Place | undefined): string[] {
  return regions
    .map((region) => ({ region, km: measured(region, from).distanceKm ?? 0 }))
    .sort((a, b) => a.km - b.km || (a.region < b.region ? -1 : 1))
    .map(({ region }) => region)
}

function weighted(
  { thingName, location }: { thingName: string; location: Place | undefined },
  regions: readonly string[],
  weights: Weights,
): Candidate[] {
  const all = regions.map((region) => ({ region, weight: weightOf(weights, region) }))
  const total = all.reduce((sum, { weight }) => sum + weight, 0)
  return orderByWeight(thingName, all).map(({ region, weight }) => ({
    ...measured(region, location),
    share: weight / total,
  }))
}

function measured(
  region: string,
  from: Place | undefined,
): { region: string; distanceKm?: number } {
  const to = findRegion(region)
  return from === undefined || to === undefined
    ? { region }
    : { region, distanceKm: distanceKm(from, to) }
}

function weightOf(weights: Readonly<Record<string, number | undefined>>, region: string): number {
  return weights[region] ?? 0
}

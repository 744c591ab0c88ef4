import {
  type Candidate,
  type Choice,
  choose,
  type Skipped,
  type Unavailable,
} from './candidates.ts'
import { findRegion } from './catalogue.ts'
import { distanceKm } from './distance.ts'
import type { RegionPolicy, RegionRule } from './region-policy.ts'
import { findDecidingRule, findUndecidedRule, type RuleSubject } from './region-rule.ts'

export type PlacementInput = RuleSubject & {
  readonly policy: RegionPolicy
  readonly enabledRegions: readonly string[]
  /** Regions not to be used now. */
  readonly unavailable?: Unavailable | undefined
  readonly thingName: string
  /** False where there are no location data at all: nobody knows then which strict rules hold. */
  readonly locating?: boolean | undefined
  /** The region that an operator wants this device in. */
  readonly pin?: string | undefined
}

/** What decided: the rule (`findDecidingRule`), and everything that was weighed. */
export type Grounds = {
  /** Absent where no rule matches. */
  readonly rule?: { readonly index: number; readonly name?: string; readonly strict: boolean }
  /** The rule isn't strict, and none of its regions can be used: the policy's own decided. */
  readonly ruleLeft: boolean
  /** In the order of preference, the chosen one first. */
  readonly candidates: readonly Candidate[]
  /** Where an attempt may go on that its region fails, in this order. */
  readonly failover: readonly string[]
  readonly skipped: readonly Skipped[]
}

/** Where a device lands and why. `distanceKm` is absent where the device's place isn't known. */
export type Placement = Grounds & {
  readonly region: string
  readonly basis: Choice['basis']
  readonly distanceKm?: number
}

/**
 * Why a device lands nowhere. `unavailable`: a region is only down or draining, so waiting may help.
 * `not-enabled`: the deployment has none of the regions. `pin-not-allowed`: the pin is outside a
 * strict rule's regions, or the policy's. `not-located`: a strict rule goes by place, and there are no
 * location data: waiting may help.
 */
export type NoPlacement = Grounds & {
  readonly region: undefined
  readonly refusal: 'unavailable' | 'not-enabled' | 'pin-not-allowed' | 'not-located'
}

/**
 * Places a device: pure. One rule narrows the candidates; the strategy orders them.
 * A rule none of whose regions can be used is left, unless it is strict. A pin overrides the strategy,
 * and a drain, never a strict rule, and nothing else takes its place: a device that was moved and landed elsewhere
 * would be given a new certificate at each request. Ties are settled by name, so they are stable.
 */
export function place(input: PlacementInput): Placement | NoPlacement {
  const { policy, pin, locating = true } = input
  const undecided = locating ? -1 : findUndecidedRule(policy.rules, input)
  if (undecided >= 0) {
    const grounds = { ...aboutRule(policy, undecided), ruleLeft: false, candidates: [] }
    return { ...grounds, region: undefined, refusal: 'not-located', failover: [], skipped: [] }
  }
  const index = findDecidingRule(policy.rules, input)
  const rule = policy.rules[index]
  const about = aboutRule(policy, index)
  if (pin !== undefined) {
    const scope = rule?.strict ? rule.regions : (policy.allowedRegions ?? [pin])
    if (!scope.includes(pin)) {
      const grounds = { ...about, ruleLeft: false, candidates: [], failover: [], skipped: [] }
      return { ...grounds, region: undefined, refusal: 'pin-not-allowed' }
    }
    // A drain is for choices, and this is none: an operator may try a region out before it is restored.
    const down = [...(input.unavailable ?? [])].filter(([, why]) => why === 'down')
    const given = { ...input, unavailable: new Map(down) }
    return conclude(input, { ...about, ruleLeft: false }, choose(given, [pin], 'pinned'))
  }
  const ruled = rule && chooseByRule(input, rule)
  if (ruled !== undefined && (ruled.candidates.length > 0 || rule?.strict)) {
    return conclude(input, { ...about, ruleLeft: false }, ruled)
  }
  const { strategy, weights = {}, allowedRegions } = policy
  const all = strategy === 'weighted' ? Object.keys(weights) : [...input.enabledRegions].sort()
  const free = choose(input, allowedRegions ?? all, strategy, weights)
  const skipped = [...(ruled?.skipped ?? []), ...free.skipped].filter(
    (it, at, every) => every.findIndex((other) => other.region === it.region) === at,
  )
  return conclude(input, { ...about, ruleLeft: ruled !== undefined }, { ...free, skipped })
}

function aboutRule({ rules }: RegionPolicy, index: number): Pick<Grounds, 'rule'> {
  const rule = rules[index]
  if (rule === undefined) return {}
  const { name, strict } = rule
  return { rule: { index, ...(name === undefined ? {} : { name }), strict } }
}

function chooseByRule(input: PlacementInput, rule: RegionRule): Choice {
  const { strategy, weights } = rule.strategy === undefined ? input.policy : rule
  return choose(input, rule.regions, strategy ?? input.policy.strategy, weights)
}

function conclude(
  input: PlacementInput,
  about: Pick<Grounds, 'rule' | 'ruleLeft'>,
  { basis, candidates, skipped }: Choice,
): Placement | NoPlacement {
  const [first, ...others] = candidates
  if (first === undefined) {
    const passing = skipped.some(({ why }) => why === 'down' || why === 'draining')
    const refusal = passing ? 'unavailable' : 'not-enabled'
    return { ...about, region: undefined, refusal, candidates, failover: [], skipped }
  }
  return {
    ...about,
    region: first.region,
    basis,
    ...(first.distanceKm === undefined ? {} : { distanceKm: first.distanceKm }),
    candidates,
    failover: boundFailover(input.policy.failover, first, others),
    skipped,
  }
}

/** The further candidates that the policy lets an attempt go on to. */
function boundFailover(
  bounds: RegionPolicy['failover'],
  first: Candidate,
  others: readonly Candidate[],
): string[] {
  if (bounds === undefined) return []
  const { maxExtraKm = Number.POSITIVE_INFINITY } = bounds
  return others
    .filter((other) => extraKm(first, other) <= maxExtraKm)
    .slice(0, bounds.candidates)
    .map(({ region }) => region)
}

/**
 * How much farther the second region is than the first. Where the device is unknown: how far the two
 * are apart, and it can't be more than that wherever the device is.
 */
function extraKm(first: Candidate, other: Candidate): number {
  if (first.distanceKm !== undefined && other.distanceKm !== undefined) {
    return other.distanceKm - first.distanceKm
  }
  const [from, to] = [findRegion(first.region), findRegion(other.region)]
  return from === undefined || to === undefined ? Number.POSITIVE_INFINITY : distanceKm(from, to)
}

import type { Candidate, Skipped } from './candidates.ts'
import type { Grounds, NoPlacement, Placement } from './placement.ts'

/** A placement's reason in one line, for the record, the log and people. */
export function describePlacement(placement: Placement | NoPlacement): string {
  const rule = placement.rule && ruleName(placement.rule)
  if (placement.region === undefined) {
    if (placement.refusal === 'pin-not-allowed') {
      return `no region: the device is pinned outside ${rule === undefined ? 'the allowed regions' : `${rule}’s regions`}`
    }
    if (placement.refusal === 'not-located') {
      return `no region: ${rule} goes by place, and there are no location data`
    }
    const whose = rule === undefined || placement.ruleLeft ? 'the policy' : rule
    const those = listSkipped(placement.skipped) || 'none is enabled'
    return `no region of ${whose} can be used: ${those}`
  }
  const passed = listSkipped(preferred(placement))
  return `${scope(placement)}${choice(placement)}${passed === '' ? '' : `; passed over ${passed}`}`
}

function scope({ basis, rule, ruleLeft }: Placement): string {
  // A pin goes before a rule, or within a strict one: the rule decided nothing.
  if (rule === undefined || basis === 'pinned') return ''
  return `${ruleName(rule)}${ruleLeft ? ' left' : ''}, `
}

/** `rule eu-only (strict)`; a rule without a name goes by its place in the document. */
export function ruleName({ index, name, strict }: NonNullable<Grounds['rule']>): string {
  return `rule ${name ?? `rules.${index}`}${strict ? ' (strict)' : ''}`
}

function choice(placement: Placement): string {
  const [first] = placement.candidates
  switch (placement.basis) {
    case 'pinned':
      return 'pinned: an operator wants the device here'
    case 'default':
      return 'default region: the address has no known position'
    case 'near-default':
      return 'nearest to the default region: the address has no known position'
    case 'weighted':
      return `weighted: ${percent(first?.share)} of the devices${distance(first, ', ')}`
    case 'static':
      return `static: the first that can be used${distance(first, ', ')}${following(placement)}`
    case 'nearest':
      return `nearest:${distance(first, ' ')}${following(placement) || ', the only candidate'}`
  }
}

function following({ candidates }: Placement): string {
  const others = candidates.slice(1, 3).map((it) => `${it.region}${distance(it, ' ')}`)
  return others.length === 0 ? '' : `, before ${others.join(', ')}`
}

/** Those skipped that would have come first; of what is farther away nobody has to know. */
function preferred({ basis, distanceKm = 0, skipped }: Placement): Skipped[] {
  if (basis === 'nearest') return skipped.filter((it) => (it.distanceKm ?? 0) < distanceKm)
  return skipped.filter(({ why }) => why !== 'no-weight')
}

const longestList = 4

export function listSkipped(skipped: readonly Skipped[]): string {
  const shown = skipped.slice(0, longestList).map(({ region, why }) => `${region} (${words[why]})`)
  const more = skipped.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}

const words = {
  'not-enabled': 'not enabled',
  down: 'down',
  draining: 'draining',
  failed: 'failed',
  'no-weight': 'no weight',
} as const satisfies Record<Skipped['why'], string>

function distance(candidate: Candidate | undefined, before: string): string {
  if (candidate?.distanceKm === undefined) return ''
  return `${before}${Math.round(candidate.distanceKm)} km`
}

function percent(share = 0): string {
  const value = share * 100
  return `${value >= 10 || value === 0 ? Math.round(value) : value.toFixed(1)} %`
}

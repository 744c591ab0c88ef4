import type { Candidate, Skipped } from '../../../regions/candidates.ts'
import { listSkipped, ruleName } from '../../../regions/describe-placement.ts'
import type { Placement } from '../../../regions/placement.ts'
import type { Condition } from '../../../regions/region-rule.ts'
import type { Explanation, RuleExplanation } from './explain.ts'

/** An explanation for people: the answer first, then what it was made from. */
export function explainInWords(it: Explanation): string[] {
  const { placement } = it
  const fields: (readonly [string, readonly string[]])[] = [
    ['why', [it.reason]],
    ['position', [position(it)]],
    ['rules', it.rules.length === 0 ? ['none'] : rules(it)],
    ['candidates', placement.candidates.map(candidate)],
    ['failover', placement.region === undefined ? [] : failover(placement)],
    ['skipped', skipped(placement.skipped)],
    ['enabled', [`${it.enabledRegions.length} regions, ${it.regionsFrom}`]],
  ]
  return [
    headline(it),
    ...fields.flatMap(([label, lines]) =>
      lines.map((line, index) => `  ${(index === 0 ? label : '').padEnd(11)} ${line}`),
    ),
  ]
}

function headline({ product, thing, address, placement }: Explanation): string {
  const who = `${thing ?? 'A device'} of ${product} at ${address}`
  if (placement.region === undefined) {
    return placement.refusal === 'unavailable'
      ? `${who} lands nowhere now: it is told to try again later`
      : `${who} lands nowhere until an operator changes something: it is told to try again later`
  }
  const { distanceKm } = placement
  return `${who} lands in ${placement.region}${distanceKm === undefined ? '' : `, ${km(distanceKm)} away`}`
}

function position({ location, address, locationSource }: Explanation): string {
  if (location === undefined) return `${address} has none (${locationSource})`
  const { lat, lon, country, continent, confidence } = location
  return `${lat}, ${lon}: ${country}, ${continent} (${locationSource}, confidence ${confidence})`
}

function rules({ rules: all, placement }: Explanation): string[] {
  const decisive = placement.rule?.index
  return all.map((rule, index) => {
    const says = rule.matches
      ? index === decisive
        ? `matches: ${rule.conditions.map(holds).join(', ')}`
        : rule.strict || placement.rule?.strict !== true
          ? 'matches too, but an earlier one decides'
          : 'matches too, but a strict one decides'
      : `doesn’t match: ${rule.conditions
          .filter((it) => !it.holds)
          .map(fails)
          .join(', ')}`
    return `${named(rule)} ${says}`
  })
}

function named({ index, name, strict }: RuleExplanation): string {
  return ruleName({ index, strict, ...(name === undefined ? {} : { name }) })
}

function holds({ subject, actual }: Condition): string {
  return `${subject} is ${actual}`
}

function fails({ subject, actual, wanted }: Condition): string {
  const list = wanted.length > 4 ? `${wanted.slice(0, 4).join(', ')} …` : wanted.join(', ')
  return `${subject} is ${actual ?? 'not known'}, not ${list}`
}

function candidate(it: Candidate, index: number): string {
  const share = it.share === undefined ? '' : `  ${(it.share * 100).toFixed(1)} % of the devices`
  const far = it.distanceKm === undefined ? '' : km(it.distanceKm).padStart(10)
  return `${String(index + 1).padStart(2)}  ${it.region.padEnd(15)}${far}${share}`.trimEnd()
}

function failover({ region, failover: regions }: Placement): string[] {
  if (regions.length === 0) return ['none']
  return [`${regions.join(', ')}, should ${region} fail`]
}

function skipped(all: readonly Skipped[]): string[] {
  return all.length === 0 ? [] : [listSkipped(all)]
}

function km(distance: number): string {
  return `${Math.round(distance).toLocaleString('en')} km`
}

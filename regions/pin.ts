import type { RegionPolicy, RegionRule } from './region-policy.ts'
import { checkRule, type RuleSubject } from './region-rule.ts'

/**
 * What keeps a pin from ever holding, wherever the device asks from, in words (`the regions of rule 2`,
 * `the allowed regions`); undefined where `place` may grant it. Of the strict rules those count that the
 * attributes allow, up to the first that decides by them alone.
 */
export function findPinObstacle(
  { rules, allowedRegions }: RegionPolicy,
  pin: string,
  attributes: RuleSubject['attributes'],
): string | undefined {
  for (const [index, rule] of rules.entries()) {
    if (!rule.strict || !holdsByAttributes(rule, attributes)) continue
    if (rule.regions.includes(pin)) return undefined
    if (!goesByPlace(rule)) return `the regions of rule ${rule.name ?? index + 1}`
  }
  return allowedRegions === undefined || allowedRegions.includes(pin)
    ? undefined
    : 'the allowed regions'
}

function goesByPlace({ match }: RegionRule): boolean {
  return (match.countries ?? match.continents ?? match.addresses) !== undefined
}

function holdsByAttributes(rule: RegionRule, attributes: RuleSubject['attributes']): boolean {
  const { attributes: wanted } = rule.match
  const match = wanted === undefined ? {} : { attributes: wanted }
  return checkRule({ ...rule, match }, { location: undefined, attributes }).every((it) => it.holds)
}

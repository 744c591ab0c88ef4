import type { Place } from './distance.ts'
import { parseAddress } from './location.ts'
import { contains, type Network, readNetwork } from './network.ts'
import type { RegionRule } from './region-policy.ts'

/** A place with what rules may ask of it; a `Location` is one. */
export type LocatedPlace = Place & {
  /** ISO 3166-1 alpha-2. */
  readonly country?: string | undefined
  /** AF, AN, AS, EU, NA, OC or SA. */
  readonly continent?: string | undefined
}

/** What rules look at. */
export type RuleSubject = {
  readonly location: LocatedPlace | undefined
  readonly address?: string | undefined
  readonly attributes?: Readonly<Record<string, string>> | undefined
}

/** One condition of a rule: what it wants, what the device has, and whether that fits. */
export type Condition = {
  readonly subject: string
  readonly actual: string | undefined
  readonly wanted: readonly string[]
  readonly holds: boolean
}

/** Every condition of a rule against one device; the rule matches where all of them hold. */
export function checkRule({ match }: RegionRule, subject: RuleSubject): Condition[] {
  const { location, address, attributes } = subject
  const conditions: Condition[] = []
  const { countries, continents, addresses } = match
  if (countries !== undefined) conditions.push(oneOf('country', location?.country, countries))
  if (continents !== undefined) conditions.push(oneOf('continent', location?.continent, continents))
  if (addresses !== undefined) {
    const parsed = address === undefined ? undefined : parseAddress(address)
    const holds = parsed !== undefined && networks(addresses).some((it) => contains(it, parsed))
    conditions.push({ subject: 'address', actual: address, wanted: addresses, holds })
  }
  for (const [name, value] of Object.entries(match.attributes ?? {})) {
    // Only what the record itself holds: an attribute named "constructor" is nobody's by birth.
    const has = attributes !== undefined && Object.hasOwn(attributes, name)
    const actual = has ? attributes[name] : undefined
    conditions.push(oneOf(`attribute ${name}`, actual, typeof value === 'string' ? [value] : value))
  }
  return conditions
}

/**
 * The index of the rule that decides for a device; -1 where none matches. It is the first strict rule
 * that matches, else the first of the others: where the law wants a device can't hang on a document's
 * order, nor on what becomes of a lenient rule in an outage.
 */
export function findDecidingRule(rules: readonly RegionRule[], subject: RuleSubject): number {
  const matches = (rule: RegionRule) => checkRule(rule, subject).every(({ holds }) => holds)
  const strict = rules.findIndex((rule) => rule.strict && matches(rule))
  return strict >= 0 ? strict : rules.findIndex(matches)
}

/**
 * The index of a strict rule that might decide if the device could be located; -1 where none could: it
 * goes by place, everything else about it holds, and no strict rule before it matches.
 */
export function findUndecidedRule(rules: readonly RegionRule[], subject: RuleSubject): number {
  const byPlace = ({ match }: RegionRule) => match.countries ?? match.continents
  const first = rules.findIndex((rule) => {
    const { countries: _countries, continents: _continents, ...match } = rule.match
    const rest = checkRule({ ...rule, match }, subject)
    return rule.strict && rest.every(({ holds }) => holds)
  })
  const rule = rules[first]
  return rule !== undefined && byPlace(rule) !== undefined ? first : -1
}

function oneOf(subject: string, actual: string | undefined, wanted: readonly string[]): Condition {
  return { subject, actual, wanted, holds: actual !== undefined && wanted.includes(actual) }
}

/** A document's networks are parsed once, not for every device. */
const parsedNetworks = new WeakMap<readonly string[], readonly Network[]>()

function networks(texts: readonly string[]): readonly Network[] {
  const known = parsedNetworks.get(texts)
  if (known !== undefined) return known
  const parsed = texts.flatMap((text) => {
    const network = readNetwork(text)
    return 'problem' in network ? [] : [network]
  })
  parsedNetworks.set(texts, parsed)
  return parsed
}

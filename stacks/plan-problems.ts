import { catalogue, findRegion } from '../regions/catalogue.ts'
import { nearestRegions } from './nearest-regions.ts'
import type { Plan, RouterPlan } from './plan.ts'

/**
 * The Regions among which a strongly consistent global table can span: three of one set, or two and a
 * witness (DynamoDB Developer Guide, "How global tables work", multi-Region strong consistency).
 */
export const strongSets: readonly (readonly string[])[] = [
  ['us-east-1', 'us-east-2', 'us-west-2'],
  ['eu-west-1', 'eu-west-2', 'eu-west-3', 'eu-central-1'],
  ['ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3'],
]

/** Why a plan of the right form can't be deployed: a sentence each, with what to change. */
export function problemsOf(stage: string, plan: Plan): string[] {
  const shared = [
    ...stageProblems('stage', stage),
    ...deviceRegionProblems(plan.deviceRegions.map((it) => it.region)),
  ]
  if (plan.kind === 'devices') {
    return [...shared, ...stageProblems('routerStage', plan.routerStage)]
  }
  return [
    ...shared,
    ...edgeProblems(plan),
    ...domainProblems(plan),
    ...quotaProblems(plan),
    ...sweepProblems(plan),
    ...tableProblems(plan),
  ]
}

/** Role names hold the stage, and AWS bounds them at 64 characters. */
function stageProblems(field: string, stage: string): string[] {
  if (/^[a-z0-9-]{1,24}$/i.test(stage)) return []
  return [`${field}: ${stage} is part of role names; make it 1 to 24 letters, digits and hyphens`]
}

function deviceRegionProblems(regions: readonly string[]): string[] {
  const problems = namedTwice(regions).map(
    (name) => `deviceRegions: ${name} is named twice; name it once`,
  )
  for (const name of regions) {
    if (findRegion(name) !== undefined) continue
    problems.push(
      `deviceRegions: ${name} is no Region with AWS IoT Core; take one of ${nearestRegions(name).join(', ')} instead`,
    )
  }
  return problems
}

/** One edge may be in any Region that is known here; several share a table, which spans some sets of Regions only. */
function edgeProblems({ edges, witness }: RouterPlan): string[] {
  const [first = ''] = edges
  const all = witness === undefined ? edges : [...edges, witness]
  const twice = namedTwice(all)
  if (twice.length > 0) {
    return twice.map(
      (name) => `edges: ${name} is named twice; edges and witness must be different Regions`,
    )
  }
  if (edges.length === 1) {
    const unknown = isKnown(first) ? [] : [unknownEdge(first)]
    if (witness === undefined) return unknown
    return [
      ...unknown,
      'witness: one edge has a plain table, which takes no witness; add an edge, or leave the witness out',
    ]
  }
  const set = strongSets.find((it) => it.includes(first))
  if (set === undefined) {
    const sets = strongSets.map((it) => it.join(', ')).join('; or ')
    return [`edges: ${first} is in no set that a strongly consistent table can span; take ${sets}`]
  }
  const free = set.filter((it) => !all.includes(it))
  const instead = free.length > 0 ? `take ${either(free)} instead` : 'leave it out'
  const needless = edges.length > 2 && witness !== undefined
  const problems = (needless ? edges : all)
    .filter((name) => !set.includes(name))
    .map(
      (name) =>
        `${name === witness ? 'witness' : 'edges'}: ${name} lies outside the set of ${first}, which one table can span; ${instead}`,
    )
  if (needless) problems.push('witness: three edges need no witness; leave it out')
  if (all.length > 2) return problems
  const add = `take ${either(free)}`
  return [...problems, `witness: two edges need one, to tell which of them is cut off; ${add}`]
}

/** RFC 2606: names that nobody can own. */
const reservedName = /(^|\.)(example\.(com|net|org)|example|invalid|test)$/i

function domainProblems({ domain, edges }: RouterPlan): string[] {
  if (domain === undefined) {
    if (edges.length === 1) return []
    return [
      'domain: several edges need one, so that devices have one URL that fails over; set its name and zone',
    ]
  }
  if (reservedName.test(domain.name)) {
    return [`domain: ${domain.name} is a name for examples; put your own in stacks/stages.ts`]
  }
  if (domain.name === domain.zone || domain.name.endsWith(`.${domain.zone}`)) return []
  return [
    `domain: ${domain.name} doesn’t lie in the zone ${domain.zone}; name the hosted zone that holds it`,
  ]
}

function quotaProblems({ quotas }: RouterPlan): string[] {
  const { reservedConcurrency: reserved, provisionedConcurrency: provisioned } = quotas
  if (reserved === undefined || provisioned === undefined || provisioned <= reserved) return []
  return [
    `quotas: provisionedConcurrency ${provisioned} is above reservedConcurrency ${reserved}; raise the one or lower the other`,
  ]
}

const unitMinutes = new Map([
  ['minute', 1],
  ['hour', 60],
  ['day', 1440],
])

/** A sweep may take 15 minutes, and the alarm for missing sweeps looks back a day. */
function sweepProblems({ sweep }: RouterPlan): string[] {
  const [, value = '', unit = ''] = /^rate\(([1-9]\d{0,3}) (\w+?)s?\)$/.exec(sweep) ?? []
  const minutes = Number(value) * (unitMinutes.get(unit) ?? 0)
  if (minutes >= 15 && minutes <= 1440) return []
  return [
    `sweep: ${sweep} must be 15 minutes to a day; write it as rate(30 minutes), rate(1 hour) or rate(1 day)`,
  ]
}

function tableProblems({ tables }: RouterPlan): string[] {
  if (tables === undefined || tables.allowList !== tables.control) return []
  return [`tables: ${tables.control} can’t be both; name allowList and control differently`]
}

function isKnown(name: string): boolean {
  return findRegion(name) !== undefined || strongSets.some((it) => it.includes(name))
}

function unknownEdge(name: string): string {
  const known = new Set([...catalogue.map((it) => it.region), ...strongSets.flat()])
  const area = [...known].filter((it) => it.startsWith(`${name.slice(0, 2)}-`))
  const near = area.length > 0 ? area : [...known]
  return `edges: ${name} is no Region that Landfall knows; take ${either(near.toSorted())} instead`
}

function either(names: readonly string[]): string {
  return names.length === 1 ? `${names[0]}` : `one of ${names.join(', ')}`
}

function namedTwice(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
}

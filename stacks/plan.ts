import { z } from 'zod'
import { findRegion } from '../regions/catalogue.ts'
import { nearestRegions } from './nearest-regions.ts'

/**
 * The Regions among which a strongly consistent global table can span: three of one set, or two and a
 * witness (DynamoDB Developer Guide, "How global tables work", multi-Region strong consistency).
 */
export const strongSets: readonly (readonly string[])[] = [
  ['us-east-1', 'us-east-2', 'us-west-2'],
  ['eu-west-1', 'eu-west-2', 'eu-west-3', 'eu-central-1'],
  ['ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3'],
]

const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be an AWS Region like eu-west-1')
const account = z.string().regex(/^\d{12}$/, 'must be an AWS account of 12 digits')
const principal = z
  .string()
  .regex(
    /^arn:aws:iam::\d{12}:(role|user)\/[\w+=,.@/-]+$/,
    'must be the ARN of an IAM role or user, never an account’s root',
  )

/** A region that devices land in. */
const deviceRegionSchema = z.strictObject({
  region,
  /** Where another account holds it; absent: the account that deploys. */
  account: account.optional(),
  /** Of another account's region, where it is known; else each edge asks for it once per process. */
  endpointAddress: z.string().optional(),
  /** True where nobody else makes certificates: the sweeper may then remove those without a mark. */
  dedicated: z.boolean().default(false),
  /**
   * What AWS IoT writes to its log. One setting per account and Region, whoever else uses it, so it is
   * left alone unless it is named.
   */
  logging: z.enum(['ERROR', 'WARN', 'INFO', 'DEBUG', 'DISABLED']).optional(),
})

/** Bounds on what the edges take on. */
const quotasSchema = z.strictObject({
  /** Of each edge's API; beyond it callers get 429 before anything is paid for but the request. */
  requestsPerSecond: z.int().positive().default(200),
  burstRequests: z.int().positive().default(400),
  /** Lambda instances that are kept for an edge, and that it may not exceed; absent: the account's pool. */
  reservedConcurrency: z.int().positive().optional(),
  /** Lambda instances that are kept warm. */
  provisionedConcurrency: z.int().positive().optional(),
})

/** Edges, tables and device regions of one stage. */
export const routerSchema = z.strictObject({
  kind: z.literal('router').default('router'),
  /** One Region; or the Regions of one strongly consistent table. The first holds table and sweeper. */
  edges: z.array(region).min(1).max(3),
  witness: region.optional(),
  /** Devices' URL, and the public hosted zone that it lies in. */
  domain: z.strictObject({ name: z.string().min(4), zone: z.string().min(3) }).optional(),
  deviceRegions: z.array(deviceRegionSchema).nonempty(),
  /** Who may assume the operators' roles. */
  operators: z.array(principal).default([]),
  /** Who is told of an alarm; each address has to confirm a mail once. */
  alarmEmails: z.array(z.email()).default([]),
  quotas: quotasSchema.prefault({}),
  /** Days that logs are kept. */
  logRetention: z
    .enum(['1 week', '2 weeks', '1 month', '3 months', '6 months', '1 year'])
    .default('1 month'),
  /** EventBridge Scheduler's expression. */
  sweep: z.templateLiteral(['rate(', z.string(), ')']).default('rate(1 hour)'),
  /** Names of the tables; where they stay away, the seed's for production, and with the stage for others. */
  tables: z.strictObject({ allowList: z.string(), control: z.string() }).optional(),
})

/** What a second account deploys on its own: the roles and policies of its device regions. */
export const devicesSchema = z.strictObject({
  kind: z.literal('devices'),
  /** The stage of the router that these regions serve: role names and external id follow from it. */
  routerStage: z.string().min(1),
  /** From the router's outputs. */
  edgeRoleArns: z.array(principal).nonempty(),
  sweeperRoleArn: principal,
  operators: z.array(principal).default([]),
  deviceRegions: z
    .array(deviceRegionSchema.omit({ account: true, endpointAddress: true }))
    .nonempty(),
})

export type RouterPlan = z.output<typeof routerSchema>
export type DevicesPlan = z.output<typeof devicesSchema>
export type Plan = RouterPlan | DevicesPlan
export type PlanInput = z.input<typeof routerSchema> | z.input<typeof devicesSchema>

/** A plan that can't be deployed; the message has a sentence for each problem, and what to change. */
export class PlanError extends Error {
  constructor(stage: string, problems: readonly string[]) {
    super(
      `the plan of stage ${stage} can’t be deployed:\n${problems.map((it) => `  ${it}`).join('\n')}`,
    )
    this.name = 'PlanError'
  }
}

/** Reads a stage's plan: pure. Throws PlanError that reports every problem together. */
export function parsePlan(stage: string, input: PlanInput): Plan {
  const schema = input.kind === 'devices' ? devicesSchema : routerSchema
  const parsed = schema.safeParse(input)
  if (!parsed.success) {
    throw new PlanError(
      stage,
      parsed.error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`),
    )
  }
  const plan = parsed.data
  const problems = [
    ...stageProblems(stage),
    ...deviceRegionProblems(plan.deviceRegions.map((it) => it.region)),
    ...(plan.kind === 'router' ? [...edgeProblems(plan), ...domainProblems(plan)] : []),
  ]
  if (problems.length > 0) throw new PlanError(stage, problems)
  return plan
}

/** Role names hold the stage, and AWS bounds them at 64 characters. */
function stageProblems(stage: string): string[] {
  if (/^[a-z0-9-]{1,24}$/i.test(stage)) return []
  return [
    `stage: ${stage} must be 1 to 24 letters, digits and hyphens, as it is part of role names`,
  ]
}

function deviceRegionProblems(regions: readonly string[]): string[] {
  const problems = [
    ...new Set(regions.filter((name, index) => regions.indexOf(name) !== index)),
  ].map((name) => `deviceRegions: ${name} is named twice; name it once`)
  for (const name of regions) {
    if (findRegion(name) !== undefined) continue
    const hint = nearestRegions(name)
    problems.push(
      `deviceRegions: ${name} is no Region with AWS IoT Core; take one of ${hint.join(', ')} instead`,
    )
  }
  return problems
}

function edgeProblems(plan: RouterPlan): string[] {
  const { edges, witness } = plan
  const all = witness === undefined ? edges : [...edges, witness]
  const twice = all.find((name, index) => all.indexOf(name) !== index)
  if (twice !== undefined) return [`edges: ${twice} is named twice; edges and witness must differ`]
  if (edges.length === 1) {
    if (witness === undefined) return []
    return [
      'witness: one edge has a plain table, which takes no witness; add an edge or leave it out',
    ]
  }
  const set = strongSets.find((it) => it.includes(edges[0] ?? ''))
  if (set === undefined) {
    const sets = strongSets.map((it) => it.join(', ')).join('; or ')
    return [
      `edges: ${edges[0]} is in no set that a strongly consistent table can span: take ${sets}`,
    ]
  }
  const outside = all.filter((name) => !set.includes(name))
  if (outside.length > 0) {
    return outside.map(
      (name) =>
        `${name === witness ? 'witness' : 'edges'}: ${name} lies outside ${edges[0]}’s set; take one of ${set.filter((it) => !all.includes(it)).join(', ')}`,
    )
  }
  if (all.length === 3) return []
  return all.length > 3
    ? ['witness: three edges need no witness; leave it out']
    : [
        `witness: two edges need one, to tell which of them is cut off; take one of ${set.filter((it) => !all.includes(it)).join(', ')}`,
      ]
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

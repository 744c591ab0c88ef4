import { z } from 'zod'
import { problemsOf } from './plan-problems.ts'

const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be an AWS Region like eu-west-1')
const count = z.int('must be a whole number').min(1, 'must be at least 1')
const account = z.string().regex(/^\d{12}$/, 'must be an AWS account of 12 digits')
const principal = z
  .string()
  .regex(
    /^arn:aws:iam::\d{12}:(role|user)\/[\w+=,.@/-]+$/,
    'must be the ARN of an IAM role or user, never an account’s root',
  )

const hostname = z
  .string()
  .regex(
    /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
    'must be a host name in lower case like devices.landfall.io, without scheme and final dot',
  )
const tableName = z
  .string()
  .regex(/^[\w.-]{3,255}$/, 'must be 3 to 255 of letters, digits and . - _, as DynamoDB wants it')
const noDeviceRegion = 'must name one region at least, or no device can land anywhere'

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
  requestsPerSecond: count.default(200),
  burstRequests: count.default(400),
  /** Lambda instances that are kept for an edge, and that it may not exceed; absent: the account's pool. */
  reservedConcurrency: count.optional(),
  /** Lambda instances that are kept warm. */
  provisionedConcurrency: count.optional(),
})

/** Edges, tables and device regions of one stage. */
export const routerSchema = z.strictObject({
  kind: z.literal('router').default('router'),
  /** One Region; or the Regions of one strongly consistent table. The first holds table and sweeper. */
  edges: z
    .array(region)
    .min(1, 'must name the Region of one edge at least')
    .max(3, 'must name three Regions at most: no strongly consistent table spans more'),
  witness: region.optional(),
  /** Devices' URL, and the public hosted zone that it lies in. */
  domain: z.strictObject({ name: hostname, zone: hostname }).optional(),
  /** What devices put into `aud`; absent: `https://` and the domain, else `landfall-STAGE`. */
  audience: z
    .string()
    .regex(/^[\x21-\x7e]{1,256}$/, 'must be 1 to 256 printable ASCII characters without spaces')
    .optional(),
  deviceRegions: z.array(deviceRegionSchema).nonempty(noDeviceRegion),
  /** Who may assume the operators' role. */
  operators: z.array(principal).default([]),
  /** Who is told of an alarm; each address has to confirm a mail once. */
  alarmEmails: z.array(z.email('must be a mail address')).default([]),
  quotas: quotasSchema.prefault({}),
  /** Days that logs are kept. */
  logRetention: z
    .enum(['1 week', '2 weeks', '1 month', '3 months', '6 months', '1 year'])
    .default('1 month'),
  /** EventBridge Scheduler's expression; each sweep reads the whole allow-list. */
  sweep: z.templateLiteral(['rate(', z.string(), ')']).default('rate(12 hours)'),
  /** Names of the tables; where they stay away, the seed's for production, and with the stage for others. */
  tables: z.strictObject({ allowList: tableName, control: tableName }).optional(),
})

/** What a second account deploys on its own: the roles and policies of its device regions. */
export const devicesSchema = z.strictObject({
  kind: z.literal('devices'),
  /** The stage of the router that these regions serve: role names and external id follow from it. */
  routerStage: z.string().min(1),
  /** From the router's outputs. */
  edgeRoleArns: z
    .array(principal)
    .nonempty('must name the role of each edge, from the router’s outputs'),
  sweeperRoleArn: principal,
  operatorRoleArn: principal.optional(),
  deviceRegions: z
    .array(deviceRegionSchema.omit({ account: true, endpointAddress: true }))
    .nonempty(noDeviceRegion),
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
  const problems = problemsOf(stage, plan)
  if (problems.length > 0) throw new PlanError(stage, problems)
  return plan
}

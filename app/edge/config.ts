import ipaddr from 'ipaddr.js'
import * as z from 'zod'
import { defaultFailures } from '../../regions/breaker.ts'
import { regionName } from '../../regions/region-name.ts'
import { roleArnPattern } from '../../regions/role-arn.ts'

const seconds = z.number().positive()

const roleArn = z
  .string()
  .regex(roleArnPattern, 'must be the ARN of an IAM role, arn:aws:iam::123456789012:role/name')

const deviceRegionSchema = z.strictObject({
  region: regionName,
  roleArn,
  externalId: z
    .string()
    .regex(/^[\w+=,.@:/-]{2,1224}$/, 'must be 2 to 1224 of letters, digits and + = , . @ : / - _')
    .optional(),
  endpointAddress: z.string().min(1).optional(),
  sweeperRoleArn: roleArn.optional(),
  operatorRoleArn: roleArn.optional(),
  dedicated: z.boolean().optional(),
})

/** One edge's configuration; docs/configuration.md describes every field. */
const configSchema = z
  .strictObject({
    region: z.string().min(1, 'must name the AWS Region this edge and its tables are in'),
    tables: z
      .strictObject({
        allowList: z.string().min(3).default('iot-global-provisioning'),
        control: z.string().min(3).default('iot-global-control'),
      })
      .prefault({}),
    deviceRegions: z
      .array(deviceRegionSchema)
      .nonempty('must enable at least one region')
      .refine((rows) => new Set(rows.map((row) => row.region)).size === rows.length, {
        error: 'must not name a region twice',
      }),
    devicePolicyName: z
      .string()
      .regex(/^[\w+=,.@-]{1,128}$/, 'must be 1 to 128 of letters, digits and + = , . @ - _')
      .default('LandfallDevice'),
    trustedProxies: z
      .array(z.string().refine(isNetwork, 'must be an address or a network like 10.0.0.0/8'))
      .default([]),
    deadlineSeconds: seconds.max(28).default(20),
    leaseSeconds: seconds.default(60),
    aws: z
      .strictObject({
        connectSeconds: seconds.default(2),
        requestSeconds: seconds.default(4),
      })
      .prefault({}),
    locationFile: z.string().min(1).optional(),
    productRefreshSeconds: seconds.default(5),
    breakerFailures: z.int().positive().default(defaultFailures),
    addressLimit: z
      .strictObject({ requests: z.int().positive(), perSeconds: z.int().positive() })
      .default({ requests: 300, perSeconds: 10 }),
    thingLimit: z
      .strictObject({ requests: z.int().positive(), perSeconds: z.int().positive() })
      .default({ requests: 20, perSeconds: 10 }),
    audience: z
      .string()
      .regex(/^[\x21-\x7e]{1,256}$/, 'must be 1 to 256 printable ASCII characters without spaces')
      .optional(),
    routerKeysFile: z.string().min(1).optional(),
    freshness: z
      .strictObject({
        maxAgeSeconds: seconds.max(86_400).default(300),
        maxAheadSeconds: seconds.max(3600).default(60),
        nonceSeconds: seconds.max(3600).default(300),
      })
      .prefault({}),
    listen: z
      .strictObject({
        host: z.string().default('127.0.0.1'),
        port: z.int().min(0).max(65535).default(8080),
      })
      .prefault({}),
    metricsNamespace: z
      .string()
      .regex(
        /^(?!AWS\/|:)[\w.\-/#:]{1,255}$/,
        'must be 1 to 255 of letters, digits and . - _ / # :, and not begin with AWS/ or a colon',
      )
      .default('Landfall'),
    logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  })
  .refine((config) => config.leaseSeconds > config.deadlineSeconds, {
    path: ['leaseSeconds'],
    error: 'must be longer than deadlineSeconds, so that no lease ends under a running attempt',
  })

export type EdgeConfig = z.output<typeof configSchema>

/** A configuration that can't be used: `problems` has a line for every wrong field. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`the configuration is wrong:\n${problems.map((it) => `  ${it}`).join('\n')}`)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/**
 * Reads a configuration; throws ConfigError that reports every problem together. `defaultRegion`: the
 * environment's AWS_REGION, to which a configuration may leave its region, as the SDK does.
 */
export function parseConfig(value: unknown, defaultRegion?: string): EdgeConfig {
  const left = typeof value === 'object' && value !== null && defaultRegion !== undefined
  const parsed = configSchema.safeParse(left ? { region: defaultRegion, ...value } : value)
  if (parsed.success) return Object.freeze(parsed.data)
  throw new ConfigError(
    parsed.error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`),
  )
}

function isNetwork(text: string): boolean {
  return ipaddr.isValidCIDR(text) || ipaddr.isValid(text)
}

import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type AwsClientConfig, auditRegions } from '../../regions/audit-regions.ts'
import { awsHttpHandler } from '../../regions/aws-http.ts'
import { roleSessionName } from '../../regions/role-arn.ts'
import { dynamoAllowList } from '../allowlist/dynamo-allow-list.ts'
import { scanAllowList } from '../allowlist/scan-allow-list.ts'
import type { EdgeConfig } from '../edge/config.ts'
import { sweep } from '../provisioning/sweep.ts'
import type { SweepReport } from '../provisioning/sweep-report.ts'
import type { SweepDeps, SweepOptions } from '../provisioning/sweep-run.ts'
import { controlTableMarks } from './sweep-marks.ts'

export type Sweeper = {
  run(options: SweepOptions, watch: Pick<SweepDeps, 'onProgress' | 'signal'>): Promise<SweepReport>
  close(): void
}

/** More than an edge's: nobody waits for a sweep. */
const attempts = 5

/** The regions of a configuration that have no role for the sweeper, of those that are wanted. */
export function regionsWithoutSweeper(config: EdgeConfig, wanted?: readonly string[]): string[] {
  return config.deviceRegions
    .filter((it) => wanted?.includes(it.region) ?? true)
    .flatMap((it) => (it.sweeperRoleArn === undefined ? [it.region] : []))
}

/** The sweeper over real clients; it sweeps the `wanted` regions (default: all) that have its role. */
export function openSweeper(
  config: EdgeConfig,
  options: {
    wanted?: readonly string[]
    clientConfig?: AwsClientConfig
    /** The account's quotas as a multiple of the default ones. */
    quotaFactor?: number
  } = {},
): Sweeper {
  const { wanted, clientConfig = {}, quotaFactor = 1 } = options
  const now = () => Date.now()
  const client = new DynamoDBClient({
    ...clientConfig,
    region: config.region,
    requestHandler: awsHttpHandler(config.aws),
  })
  const allowListTable = { client, table: config.tables.allowList }
  const { connect, close } = auditRegions({
    edgeRegion: config.region,
    policyName: config.devicePolicyName,
    sessionName: roleSessionName(`landfall-sweep-${hostname()}`),
    ...config.aws,
    attempts,
    clientConfig,
    quotaFactor,
    now,
  })
  const audits = config.deviceRegions.flatMap(({ region, sweeperRoleArn, externalId }) =>
    sweeperRoleArn === undefined || wanted?.includes(region) === false
      ? []
      : [connect({ region, access: { roleArn: sweeperRoleArn, externalId } })],
  )
  const deps = {
    allowList: { ...dynamoAllowList(allowListTable), ...scanAllowList(allowListTable) },
    audits,
    configuredRegions: config.deviceRegions.map((it) => it.region),
    dedicatedRegions: config.deviceRegions.flatMap((it) => (it.dedicated ? [it.region] : [])),
    marks: controlTableMarks({ client, table: config.tables.control }),
    policyName: config.devicePolicyName,
    leaseSeconds: config.leaseSeconds,
    now,
    newAttemptId: randomUUID,
  }
  return {
    run: (sweepOptions, watch) => sweep({ ...deps, ...watch }, sweepOptions),
    close() {
      close()
      client.destroy()
    },
  }
}

import { IoTClient } from '@aws-sdk/client-iot'
import { STSClient } from '@aws-sdk/client-sts'
import type { AwsCredentialIdentity } from '@smithy/types'
import { assumeRole } from './assumed-role.ts'
import { paceAudit } from './audit-pace.ts'
import { awsHttpHandler } from './aws-http.ts'
import { type IotAudit, iotAudit } from './iot-audit.ts'
import { iotRegion } from './iot-region.ts'
import { parseRoleArn } from './role-arn.ts'
import { IotRetryStrategy } from './throttling-retry.ts'

/** A region to sweep, and the role to assume for it. */
export type AuditRegionConfig = {
  readonly region: string
  readonly sweeperRoleArn: string
  readonly externalId?: string | undefined
}

/** Where AWS is and who asks; empty: the SDK's standard environment. */
export type AwsClientConfig = {
  readonly endpoint?: string
  readonly credentials?: AwsCredentialIdentity
}

export type AuditRegions = { readonly audits: readonly IotAudit[]; close(): void }

/** More than an edge's: nobody waits for a sweep. */
const attempts = 5

/** The sweeper's adapters. Each keeps its own pace, so one client a region and process. */
export function connectAudits(deps: {
  edgeRegion: string
  regions: readonly AuditRegionConfig[]
  policyName: string
  sessionName: string
  connectSeconds: number
  requestSeconds: number
  clientConfig: AwsClientConfig
  /** The account's quotas as a multiple of the default ones. */
  quotaFactor: number
  now: () => number
}): AuditRegions {
  const { clientConfig, policyName } = deps
  const requestHandler = awsHttpHandler(deps)
  const sts = new STSClient({
    ...clientConfig,
    region: deps.edgeRegion,
    requestHandler,
    maxAttempts: attempts,
  })
  const closers = [() => requestHandler.destroy()]

  function connect({ region, sweeperRoleArn, externalId }: AuditRegionConfig): IotAudit {
    const role = assumeRole({
      sts,
      roleArn: sweeperRoleArn,
      sessionName: deps.sessionName,
      now: deps.now,
      ...(externalId === undefined ? {} : { externalId }),
    })
    closers.unshift(role.close)
    const { endpoint } = clientConfig
    const client = new IoTClient({
      ...(endpoint === undefined ? {} : { endpoint }),
      region,
      requestHandler,
      credentials: role.credentials,
      retryStrategy: new IotRetryStrategy(attempts),
    })
    paceAudit(client, region, deps.quotaFactor)
    const scope = { region, ...parseRoleArn(sweeperRoleArn), client }
    const iot = iotRegion({
      ...scope,
      // An audit issues nothing; only `attach` is used.
      issuingClient: client,
      policyName,
      warmCredentials: role.credentials,
    })
    return iotAudit({ ...scope, iot })
  }

  return {
    audits: deps.regions.map(connect),
    close() {
      for (const close of closers) close()
    },
  }
}

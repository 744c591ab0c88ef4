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

/** A region, and the role to assume for it; without one the caller's own credentials, in its own account. */
export type AuditRegionConfig = {
  readonly region: string
  readonly access:
    | { readonly roleArn: string; readonly externalId?: string | undefined }
    | { readonly partition: string; readonly account: string }
}

/** Where AWS is and who asks; empty: the SDK's standard environment. */
export type AwsClientConfig = {
  readonly endpoint?: string
  readonly profile?: string
  readonly credentials?: AwsCredentialIdentity
}

export type AuditRegions = {
  connect(region: AuditRegionConfig): IotAudit
  close(): void
}

/** The adapters of the sweeper and of operators. Each keeps its own pace, so connect to a region once. */
export function auditRegions(deps: {
  /** Whose STS is asked for roles. */
  edgeRegion: string
  policyName: string
  sessionName: string
  connectSeconds: number
  requestSeconds: number
  /** Tries of each call, with the first one. */
  attempts: number
  clientConfig: AwsClientConfig
  /** The account's quotas as a multiple of the default ones; undefined: calls aren't paced. */
  quotaFactor: number | undefined
  now: () => number
}): AuditRegions {
  const { clientConfig, policyName, attempts, quotaFactor } = deps
  const requestHandler = awsHttpHandler(deps)
  const sts = new STSClient({
    ...clientConfig,
    region: deps.edgeRegion,
    requestHandler,
    maxAttempts: attempts,
  })
  const closers = [() => requestHandler.destroy()]

  function credentialsFor(access: AuditRegionConfig['access']) {
    if (!('roleArn' in access)) return undefined
    const role = assumeRole({
      sts,
      roleArn: access.roleArn,
      sessionName: deps.sessionName,
      now: deps.now,
      ...(access.externalId === undefined ? {} : { externalId: access.externalId }),
    })
    closers.unshift(role.close)
    return role.credentials
  }

  return {
    connect({ region, access }) {
      const assumed = credentialsFor(access)
      const { endpoint } = clientConfig
      const assumedConfig = assumed && {
        ...(endpoint === undefined ? {} : { endpoint }),
        credentials: assumed,
      }
      const client = new IoTClient({
        ...(assumedConfig ?? clientConfig),
        region,
        requestHandler,
        retryStrategy: new IotRetryStrategy(attempts),
      })
      if (quotaFactor !== undefined) paceAudit(client, region, quotaFactor)
      const account = 'roleArn' in access ? parseRoleArn(access.roleArn) : access
      const scope = { region, partition: account.partition, account: account.account, client }
      const iot = iotRegion({
        ...scope,
        // An audit issues nothing; only `attach` is used.
        issuingClient: client,
        policyName,
        warmCredentials: assumed ?? (async () => {}),
      })
      return iotAudit({ ...scope, iot })
    },
    close() {
      for (const close of closers) close()
    },
  }
}

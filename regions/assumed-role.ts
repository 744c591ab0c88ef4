import { AssumeRoleCommand, type STSClient } from '@aws-sdk/client-sts'
import type { AwsCredentialIdentity } from '@smithy/types'

/** The credentials of one region's role, cached for the process and renewed ahead of their expiry. */
export type AssumedRole = {
  /** Credentials with at least some minutes left; waits for STS only where there are none. */
  credentials(): Promise<AwsCredentialIdentity>
  /** Ends the renewals. */
  close(): void
}

/** Role chaining allows an hour at most (STS AssumeRole, "Role chaining"). */
const durationSeconds = 3600
/** The SDK asks again when less than 5 minutes are left; by then the new ones must be there. */
const renewAheadSeconds = 900
/** Below this, credentials at hand are not used any more. */
const shortestUseSeconds = 60
const renewalRetrySeconds = 30
/** No renewal takes longer, retries included; whoever waits for it may have less time than that. */
const renewalSeconds = 15

export function assumeRole(deps: {
  sts: STSClient
  roleArn: string
  externalId?: string
  /** `[\w+=,.@-]{2,64}` (STS AssumeRole, RoleSessionName). */
  sessionName: string
  now: () => number
}): AssumedRole {
  let current: { identity: AwsCredentialIdentity; expiresAt: number } | undefined
  let renewing: Promise<AwsCredentialIdentity> | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false

  async function renew(): Promise<AwsCredentialIdentity> {
    try {
      const identity = await request()
      const expiresAt = identity.expiration.getTime()
      current = { identity, expiresAt }
      schedule((expiresAt - deps.now()) / 1000 - renewAheadSeconds)
      return identity
    } catch (error) {
      if (current !== undefined) schedule(renewalRetrySeconds)
      throw error
    } finally {
      renewing = undefined
    }
  }

  async function request() {
    const { Credentials: it } = await deps.sts.send(
      new AssumeRoleCommand({
        RoleArn: deps.roleArn,
        RoleSessionName: deps.sessionName,
        DurationSeconds: durationSeconds,
        ...(deps.externalId === undefined ? {} : { ExternalId: deps.externalId }),
      }),
      { abortSignal: AbortSignal.timeout(renewalSeconds * 1000) },
    )
    if (!it?.AccessKeyId || !it.SecretAccessKey || !it.SessionToken || !it.Expiration) {
      throw new Error('AssumeRole answered without credentials')
    }
    return {
      accessKeyId: it.AccessKeyId,
      secretAccessKey: it.SecretAccessKey,
      sessionToken: it.SessionToken,
      expiration: it.Expiration,
    }
  }

  function schedule(seconds: number): void {
    clearTimeout(timer)
    if (closed) return
    timer = setTimeout(() => void startRenewal().catch(() => {}), Math.max(1, seconds) * 1000)
    timer.unref()
  }

  function startRenewal(): Promise<AwsCredentialIdentity> {
    renewing ??= renew()
    return renewing
  }

  return {
    async credentials() {
      const left = current === undefined ? 0 : (current.expiresAt - deps.now()) / 1000
      if (current !== undefined && left > shortestUseSeconds) {
        // A frozen process sleeps through its timer: then the request starts what it didn't.
        if (left < renewAheadSeconds) void startRenewal().catch(() => {})
        return current.identity
      }
      return await startRenewal()
    },
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}

import { StandardRetryStrategy } from '@smithy/core/retry'
import type { RetryErrorInfo, StandardRetryToken } from '@smithy/types'

/**
 * Retries on throttling only: a throttled call was not performed. For the two certificate calls, which
 * are not idempotent: after a time-out or a 5xx the SDK's own retry could issue a second certificate.
 */
export class ThrottlingRetryStrategy extends StandardRetryStrategy {
  override async refreshRetryTokenForRetry(token: StandardRetryToken, info: RetryErrorInfo) {
    if (info.errorType !== 'THROTTLING' || isPermanent(info)) throw new Error('not retried')
    return await super.refreshRetryTokenForRetry(token, info)
  }
}

/** The SDK's standard strategy, but for AWS IoT's LimitExceededException, which no waiting mends. */
export class IotRetryStrategy extends StandardRetryStrategy {
  override async refreshRetryTokenForRetry(token: StandardRetryToken, info: RetryErrorInfo) {
    if (isPermanent(info)) throw new Error('not retried')
    return await super.refreshRetryTokenForRetry(token, info)
  }
}

/** The SDK takes IoT's "too many policies on this certificate" (410) for throttling, by its name. */
function isPermanent(info: RetryErrorInfo): boolean {
  return info.error?.name === 'LimitExceededException'
}

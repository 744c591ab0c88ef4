import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb'

/** Seconds between two tries of one read; after the last one it fails. */
const waits = [1, 2, 4, 8, 16, 30, 30, 30, 30, 30]

/**
 * Makes reads of a long run: where the table throttles or fails beyond the SDK's own retries, it waits
 * and asks again, for three minutes. Until the first read has succeeded, no answer at all is a failure:
 * then it is more likely the wrong address.
 */
export function patientReader(deps: {
  readonly signal: AbortSignal
  readonly onWait: (seconds: number, error: Error) => void
}): <T>(call: () => Promise<T>) => Promise<T> {
  let reached = false
  return async (call) => {
    for (let tries = 0; ; tries++) {
      try {
        const result = await call()
        reached = true
        return result
      } catch (error) {
        const seconds = waits[tries]
        if (seconds === undefined || deps.signal.aborted || !(error instanceof Error)) throw error
        const passes = error instanceof DynamoDBServiceException ? isPassing(error) : reached
        if (!passes) throw error
        deps.onWait(seconds, error)
        await sleep(seconds * 1000, undefined, { signal: deps.signal })
      }
    }
  }
}

const throttling: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
])

function isPassing({ name, $metadata }: DynamoDBServiceException): boolean {
  return throttling.has(name) || ($metadata.httpStatusCode ?? 0) >= 500
}

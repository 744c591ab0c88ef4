import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry'
import { AppError } from '../../../app-error.ts'

/**
 * What a failed call to the table means: `throttled`: it wasn't performed, and may be a while later.
 * `unknown`: it may have been performed, or be if it is tried again. `unreadable`: the row that is there
 * is no device record. `lasting`: trying again won't help.
 */
export function judgeFailure(error: unknown): 'throttled' | 'unknown' | 'unreadable' | 'lasting' {
  if (error instanceof AppError && error.code === 'conflict') return 'unreadable'
  const cause = error instanceof AppError ? error.cause : error
  if (!(cause instanceof Error)) return 'lasting'
  // The SDK's own classification; its parameter is an Error whose extra members may be absent.
  const thrown = cause as Parameters<typeof isThrottlingError>[0]
  if (isThrottlingError(thrown)) return 'throttled'
  return isTransientError(thrown) || isServerError(thrown) ? 'unknown' : 'lasting'
}

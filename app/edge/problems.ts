import { DeadlineError } from '../../regions/deadline.ts'
import { RegionError, type RegionErrorCode } from '../../regions/region-error.ts'
import { AppError, type AppErrorCode } from '../app-error.ts'

/**
 * How a failure is answered under the seed contract. `reason` names it in logs and metrics; `retry`
 * answers carry Retry-After. A `message` of undefined lets the error's own message through: only where
 * that was written for devices.
 */
export type Problem = {
  readonly status: 400 | 401 | 403 | 413 | 429 | 500 | 503
  readonly message: string | undefined
  readonly retry: boolean
}

const later = { status: 503, message: 'try again later', retry: true } as const
const notAllowed = { status: 403, message: 'you not', retry: false } as const

const problems = {
  'request-too-large': { status: 413, message: 'request too large', retry: false },
  'invalid-request': { status: 400, message: 'invalid request', retry: false },
  'no-thing-name': { status: 400, message: 'no thing name', retry: false },
  'invalid-thing-name': { status: 400, message: 'invalid thing-name', retry: false },
  'no-sig': { status: 400, message: 'no sig', retry: false },
  'invalid-sig': { status: 400, message: 'invalid thing-name-sig', retry: false },
  'wrong-sig': { status: 401, message: 'wrong sig', retry: false },
  'invalid-csr': { status: 400, message: undefined, retry: false },
  'not-allowed': notAllowed,
  conflict: notAllowed,
  'too-many-requests': { status: 429, message: 'try again later', retry: true },
  'in-progress': later,
  'allow-list-unavailable': later,
  'products-unavailable': later,
  'region-not-configured': later,
  'regions-unavailable': later,
  deadline: later,
} as const satisfies Record<AppErrorCode, Problem>

const regionProblems = {
  throttled: later,
  failing: later,
  unreachable: later,
  contended: later,
  deadline: later,
  // Nothing that the device did, and an operator can mend it; the device may as well wait.
  refused: later,
  'not-ours': notAllowed,
  'invalid-csr': {
    status: 400,
    message: 'invalid CSR: AWS IoT does not take it',
    retry: false,
  },
} as const satisfies Record<RegionErrorCode, Problem>

const internal: Problem = { status: 500, message: 'internal error', retry: false }
const defaultRetryAfterSeconds = 5
/** A device is never told to sleep longer than this. */
const longestRetryAfterSeconds = 120

/**
 * What is answered for whatever was thrown, and the reason for log and metrics. `waitFor` says how long
 * a device shall wait where the error doesn't: for regions, or else for what the reason names.
 */
export function problemOf(
  error: unknown,
  waitFor: (causes: readonly string[]) => number = () => defaultRetryAfterSeconds,
): {
  problem: Problem
  reason: string
  message: string
  retryAfterSeconds: number | undefined
} {
  const { problem, reason } = classify(error)
  const fallback = error instanceof Error ? error.message : ''
  return {
    problem,
    reason,
    message: problem.message ?? fallback,
    retryAfterSeconds: problem.retry ? secondsToWait(error, reason, waitFor) : undefined,
  }
}

function secondsToWait(
  error: unknown,
  reason: string,
  waitFor: (causes: readonly string[]) => number,
): number {
  const known = error instanceof AppError ? error.retryAfterSeconds : undefined
  const regions = error instanceof RegionError ? [error.region] : regionsOf(error)
  const seconds = known ?? waitFor(regions.length > 0 ? regions : [reason])
  return Math.max(1, Math.min(seconds, longestRetryAfterSeconds))
}

function regionsOf(error: unknown): readonly string[] {
  return error instanceof AppError ? (error.regions ?? []) : []
}

function classify(error: unknown): { problem: Problem; reason: string } {
  if (error instanceof AppError) {
    // A refusal's message is its finer reason (unknown, blocked, already-provisioned).
    const reason = error.code === 'not-allowed' ? error.message : error.code
    return { problem: problems[error.code], reason }
  }
  if (error instanceof RegionError) {
    return { problem: regionProblems[error.code], reason: `region-${error.code}` }
  }
  if (error instanceof DeadlineError) return { problem: problems.deadline, reason: 'deadline' }
  return { problem: internal, reason: 'internal' }
}

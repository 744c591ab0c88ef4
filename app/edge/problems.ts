import { DeadlineError } from '../../regions/deadline.ts'
import { RegionError, type RegionErrorCode } from '../../regions/region-error.ts'
import { AppError, type AppErrorCode } from '../app-error.ts'
import { type ProblemName, problemTypes } from './problem-types.ts'

/**
 * How a failure is answered: the problem type of the Landfall contract, and the message of the seed's,
 * with a status of its own where that one has always been answered so. `says`: the error's message was
 * written for devices.
 */
type Problem = {
  readonly type: ProblemName
  readonly seed: string
  readonly seedStatus?: 401 | 403 | 503
  readonly says?: true
}

/** A failure as devices are told of it; `reason` is for log and metrics. */
export type ProblemAnswer = {
  readonly type: ProblemName
  readonly status: ProblemStatus
  readonly title: string
  readonly detail: string
  readonly seed: { readonly status: ProblemStatus | 401; readonly message: string }
  readonly reason: string
  readonly retryAfterSeconds: number | undefined
  /** The device proved who it is: only a later request of it will do, epoch milliseconds. */
  readonly issuedAfter?: number | undefined
}

type ProblemStatus = (typeof problemTypes)[ProblemName]['status']

const later = { type: 'unavailable', seed: 'try again later' } as const
const notForSeed = { seed: 'invalid request', says: true } as const
const you = { seed: 'you not', seedStatus: 403 } as const

const problems = {
  'request-too-large': { type: 'request-too-large', seed: 'request too large' },
  'incomplete-request': { type: 'invalid-request', ...notForSeed },
  // The seed's devices ask again on a 503 only.
  'slow-request': { type: 'request-timeout', seed: 'try again later', seedStatus: 503 },
  'invalid-request': { type: 'invalid-request', seed: 'invalid request', says: true },
  'no-thing-name': { type: 'invalid-request', seed: 'no thing name' },
  'invalid-thing-name': { type: 'invalid-request', seed: 'invalid thing-name' },
  'no-sig': { type: 'invalid-request', seed: 'no sig' },
  'invalid-sig': { type: 'invalid-request', seed: 'invalid thing-name-sig' },
  'wrong-sig': { type: 'not-authorized', seed: 'wrong sig', seedStatus: 401 },
  'invalid-csr': { type: 'invalid-csr', seed: '', says: true },
  'unsupported-media-type': { type: 'unsupported-media-type', ...notForSeed },
  'wrong-audience': { type: 'wrong-audience', ...notForSeed },
  stale: { type: 'stale-request', ...you, says: true },
  unknown: { type: 'not-authorized', ...you },
  blocked: { type: 'blocked', ...you },
  'already-provisioned': { type: 'already-provisioned', ...you, says: true },
  'too-many-superseded': { type: 'conflict', ...you },
  'no-certificate': { type: 'conflict', ...you },
  conflict: { type: 'conflict', ...you },
  'too-many-requests': { type: 'too-many-requests', seed: 'try again later', says: true },
  'in-progress': { type: 'in-progress', seed: 'try again later' },
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
  'not-ours': { type: 'conflict', ...you },
  'invalid-csr': { type: 'invalid-csr', seed: 'invalid CSR: AWS IoT does not take it' },
} as const satisfies Record<RegionErrorCode, Problem>

const internal: Problem = { type: 'internal-error', seed: 'internal error' }
const defaultRetryAfterSeconds = 5
/** A device is never told to sleep longer than this. */
const longestRetryAfterSeconds = 120

/**
 * What is answered for whatever was thrown, under each contract, and the reason for log and metrics.
 * `waitFor` says how long a device shall wait where the error doesn't: for regions, or else for what the
 * reason names.
 */
export function problemOf(
  error: unknown,
  waitFor: (causes: readonly string[]) => number = () => defaultRetryAfterSeconds,
): ProblemAnswer {
  const { problem, reason } = classify(error)
  const { meaning, retry } = problemTypes[problem.type]
  const said = problem.says && error instanceof Error ? error.message : meaning
  const named = problemNamed(problem.type, problem.seed === '' ? said : problem.seed)
  return {
    ...named,
    detail: said,
    seed: { ...named.seed, ...(problem.seedStatus ? { status: problem.seedStatus } : {}) },
    reason,
    retryAfterSeconds: retry ? secondsToWait(error, reason, waitFor) : undefined,
    issuedAfter: error instanceof AppError ? error.issuedAfter : undefined,
  }
}

/** A problem that no error stands behind; `seedMessage` is what the seed contract says of it. */
export function problemNamed(type: ProblemName, seedMessage: string): ProblemAnswer {
  const { status, title, meaning } = problemTypes[type]
  const seed = { status, message: seedMessage }
  return { type, status, title, detail: meaning, seed, reason: type, retryAfterSeconds: undefined }
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
  if (error instanceof AppError) return { problem: problems[error.code], reason: error.code }
  if (error instanceof RegionError) {
    return { problem: regionProblems[error.code], reason: `region-${error.code}` }
  }
  if (error instanceof DeadlineError) return { problem: problems.deadline, reason: 'deadline' }
  return { problem: internal, reason: 'internal' }
}

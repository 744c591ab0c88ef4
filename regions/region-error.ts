/** What a region's control plane, or STS before it, had to say against a call. */
export const regionErrorCodes = [
  /** It asks for fewer calls a second. */
  'throttled',
  /** It answered with an error of its own (5xx). */
  'failing',
  /** No whole answer: connection refused, reset or timed out. The call may have been performed. */
  'unreachable',
  /** It will not do this however often it is asked: permissions, limits, invalid input. */
  'refused',
  /** AWS IoT doesn't take the CSR, though it verified. */
  'invalid-csr',
  /** A thing of that name is there and was not made by Landfall. */
  'not-ours',
  /** Somebody else changed the same thing at the same time. */
  'contended',
  /** The request's time was up, or it was abandoned. */
  'deadline',
] as const
export type RegionErrorCode = (typeof regionErrorCodes)[number]

export class RegionError extends Error {
  readonly code: RegionErrorCode
  readonly region: string
  readonly operation: string

  constructor(code: RegionErrorCode, region: string, operation: string, options?: ErrorOptions) {
    const cause = options?.cause
    super(`${operation} in ${region}: ${cause instanceof Error ? cause.name : code}`, options)
    this.name = 'RegionError'
    this.code = code
    this.region = region
    this.operation = operation
  }
}

const throttling = new Set([
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'SlowDown',
])

/** Sorts whatever an SDK client threw. */
export function translateRegionError(error: unknown, region: string, operation: string) {
  if (error instanceof RegionError) return error
  return new RegionError(codeOf(error), region, operation, { cause: error })
}

function codeOf(error: unknown): RegionErrorCode {
  if (!(error instanceof Error)) return 'failing'
  if (error.name === 'AbortError' || error.name === 'DeadlineError') return 'deadline'
  if (throttling.has(error.name)) return 'throttled'
  const status = statusOf(error)
  // A success whose body never came whole is no answer either.
  if (status === undefined || status < 400) return 'unreachable'
  if (status === 429) return 'throttled'
  return status >= 500 ? 'failing' : 'refused'
}

function statusOf(error: Error): number | undefined {
  if (!('$metadata' in error)) return undefined
  const metadata = error.$metadata
  if (typeof metadata !== 'object' || metadata === null) return undefined
  if (!('httpStatusCode' in metadata)) return undefined
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined
}

/** Every way a request can end without an answer; the edge's problem table gives each a status. */
export type AppErrorCode =
  // What the device sent.
  | 'request-too-large'
  /** The connection ended before the body did. */
  | 'incomplete-request'
  /** The body was not there when the time was up. */
  | 'slow-request'
  | 'invalid-request'
  | 'no-thing-name'
  | 'invalid-thing-name'
  | 'no-sig'
  | 'invalid-sig'
  | 'wrong-sig'
  | 'invalid-csr'
  | 'unsupported-media-type'
  /** The request is for another deployment. */
  | 'wrong-audience'
  /** Too old, too far ahead, or no later than one that a certificate was made for. */
  | 'stale'
  // What the allow-list says of the device.
  | 'unknown'
  | 'blocked'
  | 'already-provisioned'
  /** Certificates that must go first have piled up. */
  | 'too-many-superseded'
  /** Provisioned by something else. */
  | 'no-certificate'
  /** The row of this name is not a device record, or the thing belongs to somebody else. */
  | 'conflict'
  // What waiting may help.
  | 'too-many-requests'
  | 'in-progress'
  | 'allow-list-unavailable'
  | 'products-unavailable'
  /** Every region that the product's rules leave is down or draining. */
  | 'regions-unavailable'
  /** The record or a product names a region that this deployment doesn't have. */
  | 'region-not-configured'
  | 'deadline'

/** The one error that app/ throws; `message` says what is wrong and never holds a secret. */
export class AppError extends Error {
  readonly code: AppErrorCode
  /** Seconds after which asking again makes sense, where that is known. */
  readonly retryAfterSeconds: number | undefined
  /** The regions that stand in the way, where they do. */
  readonly regions: readonly string[] | undefined
  /** Only a request that was issued after it will do, epoch milliseconds. */
  readonly issuedAfter: number | undefined

  constructor(
    code: AppErrorCode,
    message: string,
    options: ErrorOptions & {
      retryAfterSeconds?: number
      regions?: readonly string[]
      issuedAfter?: number | undefined
    } = {},
  ) {
    super(message, options)
    this.name = 'AppError'
    this.code = code
    this.retryAfterSeconds = options.retryAfterSeconds
    this.regions = options.regions
    this.issuedAfter = options.issuedAfter
  }
}

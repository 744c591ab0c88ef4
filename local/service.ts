/** Who signed a request, as STS GetCallerIdentity would name it. */
export type Caller = {
  readonly accountId: string
  readonly arn: string
  readonly userId: string
}

/** A request whose SigV4 signature was verified; `region` and `service` are its credential scope's. */
export type ServiceRequest = {
  readonly service: string
  readonly region: string
  readonly method: string
  /** The path as sent, still percent-encoded, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly caller: Caller
}

export type ServiceResponse = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

/**
 * One AWS service on this machine. `operationOf` names the API operation of a request ("CreateThing"),
 * or undefined where this stand-in has no such operation: the gateway then answers a clear error.
 * `handle` performs it, and throws AwsError for what AWS would refuse. `renderError` is the service's
 * own wire form of an error (restJson1, awsJson1.0 or awsQuery).
 */
export type Service = {
  operationOf(request: ServiceRequest): string | undefined
  handle(operation: string, request: ServiceRequest): Promise<ServiceResponse>
  renderError(error: AwsError, requestId: string): ServiceResponse
}

/** An error as AWS answers it: `code` is the exception's name on the wire, `extra` joins the body. */
export class AwsError extends Error {
  readonly code: string
  readonly status: number
  readonly extra: Readonly<Record<string, string>>

  constructor(
    code: string,
    status: number,
    message: string,
    extra: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.name = 'AwsError'
    this.code = code
    this.status = status
    this.extra = extra
  }
}

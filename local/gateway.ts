import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { authenticate } from './authenticate.ts'
import type { CallLog } from './calls.ts'
import type { Credentials } from './credentials.ts'
import type { Faults } from './faults.ts'
import { isAllowed } from './identity.ts'
import { listen } from './listen.ts'
import { type Outcome, perform } from './perform.ts'
import type { Quotas } from './quotas.ts'
import { accessDenied, refusal } from './refusal.ts'
import { leadingKeyOf, resourceOf } from './resource.ts'
import { AwsError, type Service, type ServiceRequest, type ServiceResponse } from './service.ts'
import { findAuthorization } from './signature.ts'

/** DynamoDB's own limit, the largest of the services here. */
const MAX_BODY_BYTES = 16 * 1024 * 1024

/** AWS IoT's older signing name; Debian 12's AWS CLI still uses it. */
const SIGNING_NAMES = new Map([['execute-api', 'iot']])

/** One line of what went wrong inside, never with a body, a key or a signature. */
export type Log = (entry: {
  readonly message: string
  readonly requestId: string
  readonly error: unknown
}) => void

export type GatewayDependencies = {
  readonly accountId: string
  /** By the name in the credential scope. */
  readonly services: ReadonlyMap<string, Service>
  /** Where AWS IoT answers. */
  readonly regions: ReadonlySet<string>
  readonly credentials: Credentials
  readonly quotas: Quotas
  readonly faults: Faults
  readonly calls: CallLog
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Log
}

export type Gateway = {
  readonly port: number
  /** Finishes what is under way, and cuts what hangs. */
  close(): Promise<void>
}

type Noted = {
  service: string | null
  region: string | null
  operation: string | null
  resource: string | null
  caller: string | null
}

/**
 * The one HTTP endpoint of every service and region, on 127.0.0.1: who signs, whether they may, within
 * the quota; then the faults, then the service. The region and the service are the credential scope's,
 * as with `--endpoint-url` nothing else tells them.
 */
export async function startGateway(
  dependencies: GatewayDependencies,
  port: number,
): Promise<Gateway> {
  const closing = new AbortController()
  const underWay = new Set<Promise<void>>()
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    const exchange = serve(dependencies, request, response, closing.signal)
    underWay.add(exchange)
    void exchange.finally(() => underWay.delete(exchange))
  })
  const boundPort = await listen(server, '127.0.0.1', port)
  return {
    port: boundPort,
    async close() {
      closing.abort()
      const stopped = new Promise((resolve) => server.close(resolve))
      await Promise.allSettled(underWay)
      server.closeAllConnections()
      await stopped
    },
  }
}

async function serve(
  dependencies: GatewayDependencies,
  request: IncomingMessage,
  response: ServerResponse,
  closing: AbortSignal,
): Promise<void> {
  const requestId = randomUUID()
  const { socket } = request
  const startedAt = performance.timeOrigin + performance.now()
  const noted: Noted = {
    service: null,
    region: null,
    operation: null,
    resource: null,
    caller: null,
  }
  try {
    const outcome = await answer(dependencies, request, requestId, noted, closing)
    dependencies.calls.add({
      ...noted,
      status: outcome.kind === 'answer' ? outcome.response.status : 0,
      ...(outcome.error === undefined ? {} : { error: outcome.error }),
      startedAt,
      endedAt: performance.timeOrigin + performance.now(),
    })
    if (outcome.kind === 'cut') {
      socket.destroy()
      return
    }
    const { status, headers, body } = outcome.response
    response.writeHead(status, {
      'x-amzn-requestid': requestId,
      ...headers,
      'content-length': Buffer.byteLength(body),
    })
    if (socket.destroyed) return
    // Not over before the answer is out: close() waits for this.
    const closed = once(response, 'close')
    response.end(body)
    await closed
  } catch (error) {
    // The client went away while its body was read, or there is a bug: nobody left to answer.
    dependencies.log({ message: 'request failed', requestId, error })
    socket.destroy()
  }
}

async function answer(
  dependencies: GatewayDependencies,
  incoming: IncomingMessage,
  requestId: string,
  noted: Noted,
  closing: AbortSignal,
): Promise<Outcome> {
  const { socket } = incoming
  const authorization = findAuthorization(incoming.headers.authorization ?? '')
  const scoped = SIGNING_NAMES.get(authorization?.service ?? '') ?? authorization?.service
  const serviceName = scoped ?? guessService(incoming)
  noted.service = scoped ?? null
  noted.region = authorization?.region ?? null
  const service = dependencies.services.get(serviceName)
  try {
    const signed = await readRequest(incoming)
    const { caller, identity, region } = await authenticate(
      dependencies,
      signed,
      authorization,
      serviceName,
    )
    noted.caller = caller.arn
    if (!service) {
      throw refusal(
        serviceName,
        'unknown-operation',
        `The service ${serviceName} is not part of this stand-in`,
      )
    }
    const request: ServiceRequest = { ...signed, service: serviceName, region, caller }
    const operation = service.operationOf(request)
    if (operation === undefined) throw unknownOperation(request)
    noted.operation = operation
    const resource = resourceOf(operation, request, dependencies.accountId)
    noted.resource = resource
    const leadingKey = leadingKeyOf(operation, request)
    const action = { service: serviceName, operation, resource, leadingKey }
    if (!isAllowed(identity, action, { accountId: dependencies.accountId, region })) {
      throw accessDenied(serviceName, caller.arn, operation, resource)
    }
    const call = { service: serviceName, region, operation }
    if (!dependencies.quotas.allow(call, dependencies.now())) {
      throw refusal(serviceName, 'throttled')
    }
    const injection = dependencies.faults.inject(call)
    return await perform(service, operation, request, injection, socket, closing)
  } catch (error) {
    const known = error instanceof AwsError ? error : refusal(serviceName, 'internal-failure')
    if (known !== error) dependencies.log({ message: 'service failed', requestId, error })
    const renderError = service?.renderError ?? renderPlain
    return {
      kind: 'answer',
      response: renderError(known, requestId),
      error: known.code,
    }
  }
}

/** Reads the whole request; throws AwsError where the body is too large. */
async function readRequest(
  incoming: IncomingMessage,
): Promise<Pick<ServiceRequest, 'method' | 'path' | 'query' | 'headers' | 'body'>> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming) {
    const part = Buffer.from(chunk)
    bytes += part.length
    // The rest of a body that is too large is read and dropped: the client only then listens.
    if (bytes <= MAX_BODY_BYTES) chunks.push(part)
  }
  if (bytes > MAX_BODY_BYTES) {
    throw new AwsError('RequestEntityTooLargeException', 413, 'The request body is too large')
  }
  const [path = '/', ...rest] = (incoming.url ?? '/').split('?')
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value
  }
  return {
    method: incoming.method ?? 'GET',
    path,
    query: new URLSearchParams(rest.join('?')),
    headers,
    body: Buffer.concat(chunks),
  }
}

/** Whose way of answering suits a request that isn't signed. */
function guessService(incoming: IncomingMessage): string {
  if (incoming.headers['x-amz-target']?.toString().startsWith('DynamoDB')) return 'dynamodb'
  const form = incoming.headers['content-type']?.startsWith('application/x-www-form-urlencoded')
  return form ? 'sts' : 'iot'
}

function unknownOperation(request: ServiceRequest): AwsError {
  const { 'x-amz-target': target = '' } = request.headers
  const named =
    target.split('.')[1] ??
    new URLSearchParams(request.body.toString()).get('Action') ??
    `${request.method} ${request.path}`
  return refusal(
    request.service,
    'unknown-operation',
    `The operation ${named.slice(0, 200)} of ${request.service} is not part of this stand-in`,
  )
}

function renderPlain(error: AwsError): ServiceResponse {
  return {
    status: error.status,
    headers: { 'content-type': 'application/json', 'x-amzn-errortype': error.code },
    body: JSON.stringify({ message: error.message }),
  }
}

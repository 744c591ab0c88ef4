import { Readable } from 'node:stream'
import { IoTClient } from '@aws-sdk/client-iot'
import type { HttpResponse } from '@smithy/types'
import { AwsError, type Service, type ServiceRequest } from '../../../local/service.ts'

type SdkRequest = {
  readonly method: string
  readonly path: string
  readonly query?: Readonly<Record<string, string | string[] | null>>
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

export const accountId = '123456789012'

/** The real SDK client, its requests handed to the service as the gateway would, without a socket. */
export function clientOf(service: Service, region: string, account = accountId): IoTClient {
  return new IoTClient({
    region,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-checked-here' },
    maxAttempts: 1,
    requestHandler: {
      handle: async (request: SdkRequest) => ({
        response: await answer(service, toServiceRequest(request, region, account)),
      }),
    },
  })
}

function toServiceRequest(
  request: SdkRequest,
  region: string,
  account = accountId,
): ServiceRequest {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(request.query ?? {})) {
    for (const one of [value].flat()) query.append(key, one ?? '')
  }
  const body = request.body
  return {
    service: 'iot',
    region,
    method: request.method,
    path: request.path,
    query,
    headers: request.headers,
    body:
      body instanceof Uint8Array
        ? Buffer.from(body.buffer, body.byteOffset, body.byteLength)
        : Buffer.from(typeof body === 'string' ? body : ''),
    caller: {
      accountId: account,
      arn: `arn:aws:sts::${account}:assumed-role/role/session`,
      userId: 'AROAEXAMPLE:session',
    },
  }
}

async function answer(service: Service, request: ServiceRequest): Promise<HttpResponse> {
  const operation = service.operationOf(request)
  if (operation === undefined) throw new Error(`no operation: ${request.method} ${request.path}`)
  const response = await service.handle(operation, request).catch((error: unknown) => {
    if (error instanceof AwsError) return service.renderError(error, 'request-1')
    throw error
  })
  return {
    statusCode: response.status,
    headers: { ...response.headers },
    body: Readable.from([Buffer.from(response.body)]),
  }
}

/** A bare request, for what the SDK wouldn't send. */
export function bareRequest(method: string, path: string): ServiceRequest {
  return toServiceRequest({ method, path, headers: {} }, 'eu-west-1')
}

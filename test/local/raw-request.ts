import { createHash } from 'node:crypto'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { SignatureV4 } from '@smithy/signature-v4'
import { expect } from 'vitest'
import type { AccessKey } from '../../local/credentials.ts'
import { NodeSha256 } from './node-sha256.ts'

export type RawRequest = {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

type Target = { readonly url: string; readonly operator: AccessKey }

/** Signs as the operator; `hashHeader` adds x-amz-content-sha256, signed. */
export async function signed(
  machine: Target,
  request: RawRequest & { readonly service: string; readonly hashHeader?: boolean },
): Promise<RawRequest> {
  const signer = new SignatureV4({
    service: request.service,
    region: 'eu-west-1',
    credentials: machine.operator,
    sha256: NodeSha256,
    applyChecksum: false,
  })
  const hash = createHash('sha256').update(request.body).digest('hex')
  const { hostname, host } = new URL(machine.url)
  const { headers } = await signer.sign({
    method: request.method,
    protocol: 'http:',
    hostname,
    path: request.path,
    query: {},
    headers: {
      host,
      ...request.headers,
      ...(request.hashHeader ? { 'x-amz-content-sha256': hash } : {}),
    },
    body: request.body,
  })
  return { method: request.method, path: request.path, headers, body: request.body }
}

export function send(
  machine: { readonly url: string },
  request: RawRequest,
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(machine.url + request.path, {
      method: request.method,
      headers: { ...request.headers, 'content-length': Buffer.byteLength(request.body) },
    })
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      )
    })
    outgoing.end(request.body)
  })
}

/** Expects the SDK call to fail with this error name and status. */
export async function refusedAs(
  call: Promise<unknown>,
  name: string,
  status: number,
  message = '',
): Promise<void> {
  await expect(call).rejects.toMatchObject({
    name,
    message: expect.stringContaining(message),
    $metadata: { httpStatusCode: status },
  })
}

import { once } from 'node:events'
import { createServer } from 'node:http'

export type ProxiedRequest = {
  readonly method: string
  readonly path: string
  readonly body: string
}
export type ProxiedAnswer = {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
}

/** What becomes of an answer on its way back; `lost`: the device never gets it. */
export type Meddle = (
  answer: ProxiedAnswer,
  request: ProxiedRequest,
) => ProxiedAnswer | 'lost' | undefined

/** Stands between a device and a real edge: keeps what was sent, and may change or lose answers. */
export async function startEdgeProxy(edgeUrl: string, meddle: Meddle = () => undefined) {
  const seen: ProxiedRequest[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const { method = '', url: path = '' } = request
    seen.push({ method, path, body })
    const answer = await fetch(`${edgeUrl}${path}`, {
      method,
      headers: { 'content-type': String(request.headers['content-type'] ?? '') },
      ...(body === '' ? {} : { body }),
    })
    const headers = Object.fromEntries(answer.headers)
    delete headers['content-length']
    delete headers['transfer-encoding']
    const real = { status: answer.status, headers, body: await answer.text() }
    const changed = meddle(real, { method, path, body }) ?? real
    if (changed === 'lost') return void request.socket.destroy()
    response.writeHead(changed.status, changed.headers).end(changed.body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const requests = () => seen.filter((it) => it.method === 'POST').map((it) => it.body)
  return {
    url: `http://127.0.0.1:${port}/v1/provision`,
    /** The requests for an identity, in their order. */
    requests,
    /** What they say. */
    payloads: () =>
      requests().map((it): Record<string, unknown> => {
        return JSON.parse(Buffer.from(it.split('.')[1] ?? '', 'base64url').toString())
      }),
    seen,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

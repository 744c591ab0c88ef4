import { once } from 'node:events'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { z } from 'zod'

export type Method = (input: unknown) => unknown
export type SstServer = { readonly url: string; close(): void }

const callSchema = z.object({ method: z.string(), params: z.tuple([z.unknown()]) })

/**
 * The CLI's side of what SST's components ask while a program runs: JSON-RPC over HTTP on loopback. A
 * method that isn't among `methods` is refused by its name.
 */
export async function startSstServer(
  methods: Readonly<Record<string, Method>>,
): Promise<SstServer> {
  const server = createServer(async (request, response) => {
    const answer = await perform(methods, await json(request)).then(
      (result) => ({ result }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    )
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function perform(methods: Readonly<Record<string, Method>>, body: unknown): Promise<unknown> {
  const { method, params } = callSchema.parse(body)
  const known = methods[method]
  if (known === undefined) throw new Error(`SST's CLI isn't there to perform ${method}`)
  return await known(params[0])
}

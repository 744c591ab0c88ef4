import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { parseArgs } from 'node:util'
import { serve } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context } from 'hono'
import { parse } from 'yaml'
import { loadLocationOrNone } from '../../regions/load-location.ts'
import { ConfigError, type EdgeConfig, parseConfig } from './config.ts'
import { createEdge } from './edge.ts'
import { openLandfall } from './landfall-deployment.ts'

const usage = `The edge as a Node server.

Usage: npm run edge -- --config FILE

  --config FILE  the edge's configuration, YAML or JSON (docs/configuration.md)
  --help         this text

AWS endpoints and credentials come from the SDK's standard environment variables.
Example: AWS_ENDPOINT_URL=http://127.0.0.1:4566 npm run edge -- --config edge.yaml
`

/** Until a client must have sent its whole request; an answer has its own deadline. */
const longestRequestSeconds = 20

/** Time for what is under way once the end was asked for; longer than any request's deadline. */
const drainSeconds = 30

async function main(): Promise<void> {
  const values = parseFlags()
  if (values.help) return void process.stdout.write(usage)
  if (values.config === undefined) throw new UsageError('--config is missing')
  const document = parseDocument(await readFile(values.config, 'utf8'), values.config)
  const config = parseConfig(document, process.env.AWS_REGION)
  const platform = {
    peerAddress: (c: Context) => getConnInfo(c).remote.address ?? '',
    requestId: memoizedRequestIds(),
    secondsLeft: () => Number.POSITIVE_INFINITY,
  }
  const edge = createEdge(config, {
    platform,
    location: await loadLocationOrNone(config.locationFile),
    landfall: await openLandfall(config, await readRouterKeys(config), 'routerKeysFile'),
  })
  await edge.warm()
  const { host, port } = config.listen
  const serverOptions = {
    headersTimeout: 10_000,
    requestTimeout: longestRequestSeconds * 1000,
    // Node looks every 30 seconds by default, longer than either may take.
    connectionsCheckingInterval: 2000,
  }
  const server = serve(
    { fetch: edge.app.fetch, hostname: host, port, serverOptions },
    (address) => {
      const url = `http://${host}:${address.port}`
      edge.log.info({ url }, 'listening')
      process.send?.({ listening: url })
    },
  )
  server.on('error', (error) => fail(error))
  endGracefully(server as Server, () => edge.close())
}

/** Finishes what is under way, takes nothing new, then lets the process end. */
function endGracefully(server: Server, close: () => void): void {
  let ending = false
  const end = () => {
    if (ending) return
    ending = true
    server.close(() => {
      close()
      if (process.connected) process.disconnect()
      process.exit(0)
    })
    // A connection that was busy is kept alive after its answer, and would hold the process up.
    setInterval(() => server.closeIdleConnections(), 50).unref()
    setTimeout(() => process.exit(1), drainSeconds * 1000).unref()
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  // Whoever started this process over an IPC channel is gone, or lets go of it.
  process.on('disconnect', end)
}

class UsageError extends Error {}

function parseFlags() {
  try {
    const options = { config: { type: 'string' }, help: { type: 'boolean' } } as const
    return parseArgs({ options }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : 'the flags are wrong')
  }
}

/** The router's private keys, which are a file here and a secret on Lambda. */
async function readRouterKeys({ routerKeysFile }: EdgeConfig): Promise<string | undefined> {
  if (routerKeysFile === undefined) return undefined
  return await readFile(routerKeysFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError([`routerKeysFile: ${routerKeysFile} can’t be read (${error.code})`])
  })
}

function parseDocument(text: string, file: string): Record<string, unknown> {
  const document: unknown = parse(text)
  if (typeof document === 'object' && document !== null) return { ...document }
  throw new ConfigError([`${file}: is no mapping`])
}

/** The same id each time a request is asked for its own. */
function memoizedRequestIds() {
  const ids = new WeakMap<object, string>()
  return (c: object) => {
    const id = ids.get(c) ?? randomUUID()
    ids.set(c, id)
    return id
  }
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`error: ${message}\n`)
  if (error instanceof UsageError) process.stderr.write(`hint: ${usage.split('\n')[2]}\n`)
  process.exit(error instanceof UsageError ? 2 : 1)
}

await main().catch(fail)

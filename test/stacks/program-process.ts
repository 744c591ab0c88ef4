import crypto from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { allowLoopbackOnly } from './loopback-only.ts'
import { mockedCall } from './mocked-calls.ts'
import { mockedOutputs } from './mocked-outputs.ts'
import { plainValue } from './plain-value.ts'
import { loadPulumi, type Registration } from './pulumi.ts'

/**
 * Runs one SST program under Pulumi's mocks: `node program-process.ts FOLDER`, where program.ts has put
 * `run.json`, `config.mjs` (sst.config.ts alone) and `program.mjs`. Leaves `result.json` there.
 */
const folder = z.string().parse(process.argv[2])
const run = z
  .object({
    cli: z.looseObject({ paths: z.looseObject({ platform: z.string() }) }),
    stage: z.string(),
    account: z.string(),
    hostedZones: z.record(z.string(), z.string()),
  })
  .parse(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')))

const attempts = allowLoopbackOnly()
// SST ends the names it makes up with random letters: the same ones each time here.
Object.assign(crypto, { randomBytes: (size: number) => Buffer.alloc(size, 7) })
syncBuiltinESMExports()

const errors: string[] = []
const note = (error: unknown) => errors.push(error instanceof Error ? error.message : String(error))
process.on('uncaughtException', note)
process.on('unhandledRejection', note)

let ended = false
const resources: Record<string, unknown>[] = []
const outputs: Record<string, unknown> = {}
const secretOutputs: string[] = []
/** Region of each explicit provider, by its URN. */
const providerRegions = new Map<string, string>()
const pulumi = loadPulumi(run.cli.paths.platform)

process.once('beforeExit', () => {
  // Something that the program awaits was never answered: the engine would wait for ever.
  if (!ended && errors.length === 0) errors.push('the program never ended')
  for (const target of new Set(attempts)) errors.push(`the program wanted to connect to ${target}`)
  const result = { resources, outputs, secretOutputs, errors: [...new Set(errors)] }
  writeFileSync(join(folder, 'result.json'), JSON.stringify(result))
})

// Not awaited: a program that is never answered would end this process before it tells.
main()
  .catch(note)
  .finally(() => {
    ended = true
  })

async function main(): Promise<void> {
  const app = await readApp()
  const defaultRegion = z.string().parse(app.providers.aws?.region)
  const regionOf = (provider: string | undefined, inputs: Record<string, unknown>) => {
    if (typeof inputs.region === 'string') return inputs.region
    return (provider && providerRegions.get(urnOf(provider))) || defaultRegion
  }
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs, provider }) {
        if (type.startsWith('sst:') || type.startsWith('pulumi:'))
          return { id: name, state: inputs }
        const region = regionOf(provider, inputs)
        const plain = z.record(z.string(), z.unknown()).parse(plainValue(inputs))
        const made = detailed(() => mockedOutputs(run, { type, name, region, inputs: plain }))
        return { id: made.id, state: { ...inputs, ...made.state } }
      },
      call: ({ token, inputs, provider }) =>
        detailed(() => mockedCall(run, token, inputs, regionOf(provider, inputs))),
    },
    app.name,
    app.stage,
    false,
  )
  const config = Object.entries(app.providers).flatMap(([provider, settings]) =>
    Object.entries(settings).flatMap(([key, value]) =>
      typeof value === 'string' ? [[`${provider}:${key}`, value]] : [],
    ),
  )
  pulumi.runtime.setAllConfig(Object.fromEntries(config))
  recordRegistrations(regionOf)
  await pulumi.runtime.runInPulumiStack(async () => {
    const { program } = await import(pathToFileURL(join(folder, 'program.mjs')).href)
    const found: Record<string, unknown> = await program()
    for (const [name, value] of Object.entries(found)) {
      const output = pulumi.output(value)
      outputs[name] = await output.promise()
      if (await output.isSecret) secretOutputs.push(name)
    }
    return found
  })
}

/** What SST's CLI makes of `app()` before it runs the program. SST's code reads `$app` and `$cli`. */
async function readApp() {
  const { config } = await import(pathToFileURL(join(folder, 'config.mjs')).href)
  const app = z
    .looseObject({
      name: z.string(),
      stage: z.string(),
      removal: z.enum(['remove', 'retain', 'retain-all']).default('retain'),
      protect: z.boolean().default(false),
      providers: z.record(z.string(), z.record(z.string(), z.unknown())),
    })
    .parse({ ...(await config.app({ stage: run.stage })), stage: run.stage })
  Object.assign(globalThis, { $app: app, $cli: run.cli })
  return app
}

/** Notes each resource as the engine would get it: with parent and options, which mocks aren't told. */
function recordRegistrations(
  regionOf: (provider: string | undefined, inputs: Record<string, unknown>) => string,
): void {
  const monitor = pulumi.runtime.getMonitor()
  const register = monitor.registerResource.bind(monitor)
  const urns = new Set<string>()
  monitor.registerResource = (request, answer) =>
    register(request, (error, response) => {
      if (response === undefined) return answer(error, response)
      const urn = response.getUrn()
      if (urns.has(urn)) note(`two resources have the URN ${urn}`)
      urns.add(urn)
      const resource = describe(request, regionOf)
      if (resource.type === 'pulumi:providers:aws')
        providerRegions.set(urn, String(resource.inputs.region))
      resources.push(resource)
      answer(error, response)
    })
}

function describe(
  request: Registration,
  regionOf: (provider: string | undefined, inputs: Record<string, unknown>) => string,
) {
  const type = request.getType()
  const secretInputs: string[] = []
  const plain = plainValue(request.getObject().toJavaScript(), (path) => secretInputs.push(path))
  const { __provider, ...inputs } = z.record(z.string(), z.unknown()).parse(plain)
  const [provider, parent] = [request.getProvider(), request.getParent()]
  return {
    type,
    name: request.getName(),
    inputs,
    secretInputs: secretInputs.sort((a, b) => (a < b ? -1 : 1)),
    ...(type.startsWith('aws:') && { region: regionOf(provider, inputs) }),
    ...(provider && { provider: nameOf(urnOf(provider)) }),
    ...(parent && { parent: nameOf(parent) }),
    protect: request.getProtect() ?? false,
    retainOnDelete: request.getRetainondelete() ?? false,
  }
}

/** Pulumi tells a program only the `details` of a failure, as gRPC's errors have them. */
function detailed<Result>(perform: () => Result): Result {
  try {
    return perform()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw Object.assign(new Error(message), { details: message })
  }
}

/** A provider is referred to as `URN::ID`. */
function urnOf(provider: string): string {
  return provider.slice(0, provider.lastIndexOf('::'))
}

function nameOf(urn: string): string {
  return urn.slice(urn.lastIndexOf('::') + 2)
}

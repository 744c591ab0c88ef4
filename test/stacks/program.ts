import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { buildFunction } from './build-function.ts'
import { bundleProgram } from './bundle-program.ts'
import { type Replacements, replaceSources, type Sources } from './replaced-sources.ts'
import { startSstServer } from './sst-server.ts'

const resourceSchema = z.strictObject({
  type: z.string(),
  name: z.string(),
  inputs: z.record(z.string(), z.unknown()),
  secretInputs: z.array(z.string()),
  region: z.string().optional(),
  provider: z.string().optional(),
  parent: z.string().optional(),
  protect: z.boolean(),
  retainOnDelete: z.boolean(),
})

/** One resource as the engine would get it. */
export type Resource = {
  /** Pulumi's, e.g. `aws:iam/role:Role`; SST's components begin with `sst:`. */
  readonly type: string
  readonly name: string
  /** Without wrappers: secrets as their values, files as `{ asset }` or `{ archive }`. */
  readonly inputs: Readonly<Record<string, unknown>>
  /** Paths of the inputs that are secrets, e.g. `environment.variables`. */
  readonly secretInputs: readonly string[]
  /** Of AWS resources: the one that is named, else the provider's, else the default. */
  readonly region?: string | undefined
  /** Names of the explicit provider and of the parent resource. */
  readonly provider?: string | undefined
  readonly parent?: string | undefined
  readonly protect: boolean
  readonly retainOnDelete: boolean
}

export type Program = {
  /** By type and name. Empty paths: `<work>` is the run's folder, `<root>` the checkout. */
  readonly resources: readonly Resource[]
  readonly outputs: Readonly<Record<string, unknown>>
  readonly secretOutputs: readonly string[]
  /** Why the program can't be deployed, where it refused; resources are then those made until then. */
  readonly error: string | undefined
}

export type ProgramOptions = {
  readonly stage: string
  /** Files of the checkout, by path from its root, with a text or a change of their text. */
  readonly replace?: Replacements
  /** What the program sees besides PATH, e.g. AWS_ENDPOINT_URL_DYNAMODB, SST_SECRET_NAME. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly account?: string
  /** Hosted zones that the account holds: id to domain. */
  readonly hostedZones?: Readonly<Record<string, string>>
  /** The location table to pack; without one a placeholder. */
  readonly locationFile?: string
  /** Where SST's work stays (`artifacts/<function>/code.zip`); else it goes with the run. */
  readonly keep?: string
}

export const checkout = join(import.meta.dirname, '../..')
const platform = join(checkout, '.sst/platform')
const compileCache = join(checkout, '.sst/compile-cache')

/**
 * Runs `sst.config.ts` as `sst deploy` would, under Pulumi's mocks: the real SST components, in a process
 * of its own that can connect to nothing but this machine. Shows what would be created; what AWS and its
 * provider would refuse it can't see. Two runs give the same bytes. A program that refuses is a value;
 * a replacement that has no effect, and a process that breaks, throw.
 */
export async function runProgram(options: ProgramOptions): Promise<Program> {
  const sources = replaceSources(checkout, options.replace ?? {})
  const folder = options.keep ?? (await mkdtemp(join(tmpdir(), 'landfall-program-')))
  const place = { root: checkout, platform, folder }
  const server = await startSstServer({
    'Provider.Aws.Bootstrap': (input) => bootstrap(z.object({ region: z.string() }).parse(input)),
    'Runtime.Build': (input) => buildFunction(input, place, sources),
  })
  try {
    await mkdir(join(folder, 'home'), { recursive: true })
    await symlink(join(platform, 'node_modules'), join(folder, 'node_modules'))
    const { stage, account = '111122223333', hostedZones = { Z0EXAMPLE: 'example.com' } } = options
    const cli = {
      command: 'deploy',
      dev: false,
      rpc: '',
      paths: { home: join(folder, 'home'), root: checkout, work: folder, platform },
      state: { version: {} },
    }
    const run = { cli, stage, account, hostedZones }
    await writeFile(join(folder, 'run.json'), JSON.stringify(run))
    await bundleProgram(place, await withLocationFile(sources, folder, options.locationFile))
    const complaint = await runInProcess(folder, { SST_SERVER: server.url, ...options.env })
    if (sources.unread.size > 0) throw new Error(`nothing read ${[...sources.unread].join(', ')}`)
    return await readProgram(folder, complaint)
  } finally {
    server.close()
    if (options.keep === undefined) await rm(folder, { recursive: true, force: true })
  }
}

/** The sources with a location table that doesn't depend on what was built in this checkout. */
async function withLocationFile(
  sources: Sources,
  folder: string,
  given: string | undefined,
): Promise<Sources> {
  const source = join(checkout, 'stacks/location-file.ts')
  if (sources.texts.has(source)) return sources
  const file = given ?? join(folder, 'location.bin')
  if (given === undefined) await writeFile(file, 'no table')
  const named = `const builtFile = '${relative(checkout, file)}'`
  const text = await readFile(source, 'utf8')
  const changed = text.replace(/const builtFile = '[^']*'/, named)
  if (!changed.includes(named)) throw new Error(`${source} names no builtFile any more`)
  return { texts: new Map([...sources.texts, [source, changed]]), unread: sources.unread }
}

/** What `sst deploy` makes in an account once, by region. */
function bootstrap({ region }: { region: string }) {
  return {
    asset: `sst-asset-${region}`,
    state: `sst-state-${region}`,
    assetEcrRegistryId: '',
    assetEcrUrl: '',
    appsyncHttp: '',
    appsyncRealtime: '',
  }
}

/** Returns what Pulumi's SDK complained of at the end, e.g. promises that nobody ever settled. */
async function runInProcess(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const entry = join(import.meta.dirname, 'program-process.ts')
  const home = join(folder, 'home')
  const child = spawn(process.execPath, ['--no-warnings', entry, folder], {
    env: { PATH: process.env.PATH, HOME: home, NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  })
  const [complaint, [code, signal]] = await Promise.all([
    text(child.stderr),
    once(child, 'exit'),
    text(child.stdout),
  ])
  if (!existsSync(join(folder, 'result.json'))) {
    throw new Error(`the program's process ended with ${code ?? signal}: ${complaint}`)
  }
  return code === 0 ? undefined : complaint
}

async function readProgram(folder: string, complaint: string | undefined): Promise<Program> {
  const written = (await readFile(join(folder, 'result.json'), 'utf8'))
    .replaceAll(folder, '<work>')
    .replaceAll(checkout, '<root>')
  const { resources, outputs, secretOutputs, errors } = z
    .strictObject({
      resources: z.array(resourceSchema),
      outputs: z.record(z.string(), z.unknown()),
      secretOutputs: z.array(z.string()),
      errors: z.array(z.string()),
    })
    .parse(JSON.parse(written))
  return {
    resources: resources
      .map((resource) => ({ key: `${resource.type} ${resource.name}`, resource }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ resource }) => resource),
    outputs,
    secretOutputs,
    error: errors.length === 0 ? complaint : errors.join('\n'),
  }
}

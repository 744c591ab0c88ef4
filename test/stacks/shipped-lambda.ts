import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import type { Program } from './program.ts'
import { unzip } from './unzip.ts'

/** A Lambda's package as SST zipped it, unpacked as Lambda does. */
export type ShippedLambda = {
  readonly folder: string
  /** Bytes of the zip, and of each file in it. */
  readonly zippedBytes: number
  readonly files: ReadonlyMap<string, number>
  /** Bytes of its code, and of that part of it which is read before the first request. */
  readonly codeBytes: number
  readonly startBytes: number
  /** What its code imports from elsewhere than Node.js: nothing is there on Lambda. */
  readonly foreignImports: readonly string[]
  readonly handler: string
  /** Seconds, as Lambda would stop it. */
  readonly timeout: number
  readonly environment: Readonly<Record<string, string>>
}

const functionSchema = z.object({
  handler: z.string(),
  timeout: z.number(),
  environment: z.object({ variables: z.record(z.string(), z.string()).default({}) }).optional(),
})

const metafileSchema = z.object({
  outputs: z.record(
    z.string(),
    z.object({
      bytes: z.number(),
      imports: z.array(
        z.object({ path: z.string(), kind: z.string(), external: z.boolean().optional() }),
      ),
    }),
  ),
})
type Outputs = z.infer<typeof metafileSchema>['outputs']

/** Unpacks the function of an `sst.aws.Function`, from the folder that its program ran in (`keep`). */
export async function unpackLambda(
  program: Program,
  work: string,
  component: string,
): Promise<ShippedLambda> {
  const made = program.resources.find((it) => it.name === `${component}Function`)
  if (made === undefined) throw new Error(`the program made no function ${component}`)
  const { handler, timeout, environment } = functionSchema.parse(made.inputs)
  const artifacts = join(work, 'artifacts')
  const zip = await readFile(join(artifacts, component, 'code.zip'))
  const folder = join(work, 'task', component)
  await mkdir(folder, { recursive: true })
  const files = new Map<string, number>()
  for (const [path, bytes] of unzip(zip)) {
    await writeFile(join(folder, path), bytes)
    files.set(path, bytes.length)
  }
  const metafile = await readFile(join(artifacts, `${component}-meta.json`), 'utf8')
  const { outputs } = metafileSchema.parse(JSON.parse(metafile))
  const imports = Object.values(outputs).flatMap((it) => it.imports)
  const foreign = imports
    .filter((it) => it.external === true && !isBuiltinPath(it.path))
    .map((it) => it.path)
  const bytesOf = (paths: Iterable<string>) =>
    [...paths].reduce((sum, path) => sum + (files.get(basename(path)) ?? 0), 0)
  const variables = environment?.variables ?? {}
  return {
    folder,
    zippedBytes: zip.length,
    files,
    codeBytes: bytesOf(Object.keys(outputs)),
    startBytes: bytesOf(importedAtStart(outputs)),
    foreignImports: [...new Set(foreign)],
    handler,
    timeout,
    environment: variables,
  }
}

export type RunningLambda = {
  /** What the handler returns; throws what it throws. */
  invoke(event: unknown): Promise<unknown>
  readonly log: readonly Record<string, unknown>[]
  stop(): void
}

/**
 * Starts it in a process of its own, in the folder of its package, with the environment that Lambda gives
 * it and `credentials`, and nothing else of ours.
 */
export async function startLambda(
  lambda: ShippedLambda,
  environment: Readonly<Record<string, string>>,
): Promise<RunningLambda> {
  const [file = '', name = ''] = lambda.handler.split('.')
  const entry = join(import.meta.dirname, 'lambda-process.ts')
  const child = fork(entry, [join(lambda.folder, `${file}.mjs`), name], {
    cwd: lambda.folder,
    env: { LAMBDA_TASK_ROOT: lambda.folder, ...lambda.environment, ...environment },
    execArgv: ['--no-warnings'],
    silent: true,
  })
  const log: Record<string, unknown>[] = []
  if (child.stdout === null || child.stderr === null) throw new Error('the Lambda has no output')
  createInterface(child.stdout).on('line', (line) => log.push(JSON.parse(line)))
  let complaints = ''
  child.stderr.on('data', (chunk) => {
    complaints += chunk
  })
  const nextMessage = async () => {
    // Whichever comes first; the other is no longer waited for.
    const answered = new AbortController()
    const { signal } = answered
    try {
      const message = await Promise.race([
        once(child, 'message', { signal }).then(([it]) => it),
        once(child, 'exit', { signal }).then(([code, killedBy]) => {
          throw new Error(`the Lambda ended with ${code ?? killedBy}: ${complaints}`)
        }),
      ])
      return z.looseObject({ error: z.string().optional() }).parse(message)
    } finally {
      answered.abort()
    }
  }
  await nextMessage()
  return {
    async invoke(event) {
      child.send({ event, secondsLeft: lambda.timeout })
      const { error, result } = await nextMessage()
      if (error !== undefined) throw new Error(error)
      return result
    },
    log,
    stop: () => child.kill(),
  }
}

/** The handler's file, and what it imports before it runs, all the way down. */
function importedAtStart(outputs: Outputs): Set<string> {
  const found = new Set(Object.keys(outputs).filter((it) => basename(it) === 'bundle.mjs'))
  // A set that grows while it is walked is walked to its end.
  for (const path of found) {
    for (const it of outputs[path]?.imports ?? []) {
      if (it.kind === 'import-statement' && it.external !== true) found.add(it.path)
    }
  }
  return found
}

function isBuiltinPath(path: string): boolean {
  return process.getBuiltinModule(path) !== undefined
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { GeoBuildError } from './geo-build-error.ts'

const manifestSchema = z.object({ version: z.string() })

/** Once, after a second: whoever is offline wants to hear of it soon. */
const retries = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-timeout=60000']
const errorKept = 2_000

export type FetchedPackage = { readonly folder: string; readonly version: string }

/**
 * Fetches a package's newest version into an empty folder by npm itself: its registry settings, its
 * checks of integrity, its cache. No script of the package runs. Throws GeoBuildError.
 */
export async function fetchPackage(
  name: string,
  into: string,
  signal: AbortSignal,
): Promise<FetchedPackage> {
  const flags = ['--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund']
  const args = ['install', `${name}@latest`, '--prefix', into, ...flags, ...retries]
  const npm = spawn('npm', args, { cwd: into, stdio: ['ignore', 'ignore', 'pipe'], signal })
  let said = ''
  npm.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-errorKept)
  })
  const [code] = await once(npm, 'close').catch((cause: unknown) => {
    signal.throwIfAborted()
    throw new GeoBuildError(`npm can't be started, to fetch ${name}`, { cause, offline: true })
  })
  if (code !== 0) {
    const why = /npm (?:error|ERR!) (?:code )?(.+)/.exec(said)?.[1] ?? `exit ${String(code)}`
    throw new GeoBuildError(`npm couldn't fetch ${name}: ${why}`, { offline: true })
  }
  const folder = join(into, 'node_modules', name)
  const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  return { folder, version: manifestSchema.parse(manifest).version }
}

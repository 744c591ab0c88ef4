import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

/**
 * Installs SST's platform (its components, and Pulumi's SDKs from npm) into `.sst/platform`, unless what
 * stands there is complete for this version of sst and this `sst.config.ts`. Downloads npm packages only:
 * without the three variables below sst would also fetch Pulumi and Bun.
 */
const root = join(import.meta.dirname, '../..')
const folder = join(root, '.sst')
const platform = join(folder, 'platform')
/** Written last: what an interrupted install left has none, and is made anew. */
const stampFile = join(folder, 'platform-complete.json')
const lockFile = join(folder, 'platform-installing.pid')
const npmOnly = { NO_BUN: '1', SST_SKIP_DEPENDENCY_CHECK: '1', SST_TELEMETRY_DISABLED: '1' }
const lockSeconds = 600

const version = z
  .object({ version: z.string() })
  .parse(readJson(join(root, 'node_modules/sst/package.json'))).version
const config = createHash('sha256')
  .update(readFileSync(join(root, 'sst.config.ts')))
  .digest('hex')

if (isComplete()) process.exit(0)
mkdirSync(folder, { recursive: true })
await lock()
try {
  if (!isComplete()) await install()
} finally {
  rmSync(lockFile, { force: true })
}

function isComplete(): boolean {
  const stamp = readJson(stampFile)
  return (
    z.object({ version: z.literal(version), config: z.literal(config) }).safeParse(stamp).success &&
    existsSync(join(platform, 'node_modules/.package-lock.json')) &&
    readFileSync(join(platform, 'version'), 'utf8').trim() === version
  )
}

async function install(): Promise<void> {
  // Packages that npm had half unpacked would count as installed the next time.
  if (!existsSync(stampFile)) rmSync(platform, { recursive: true, force: true })
  rmSync(stampFile, { force: true })
  process.stderr.write('installing the SST platform from npm (once, about half a minute)\n')
  const sst = spawn(
    join(root, 'node_modules/.bin/sst'),
    ['install', '--stage', 'test', '--print-logs'],
    {
      cwd: root,
      env: { ...process.env, ...npmOnly },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: lockSeconds * 1000,
    },
  )
  // It outlives this process where only this one is killed: the next one has to wait for it.
  writeFileSync(lockFile, `${process.pid} ${sst.pid}`)
  const [out, err, end] = await Promise.all([
    text(sst.stdout),
    text(sst.stderr),
    once(sst, 'exit').then(([code, signal]) => signal ?? code),
  ])
  if (end === 0 && existsSync(join(platform, 'node_modules/@pulumi/aws/package.json'))) {
    writeFileSync(stampFile, JSON.stringify({ version, config }))
    return
  }
  process.stderr.write(
    `error: sst install ended with ${end}\n${`${out}${err}`.trim().split('\n').slice(-12).join('\n')}\n` +
      'hint: it needs the npm registry; `npm config get registry` names the one it asks\n',
  )
  process.exitCode = 1
}

/** One install at a time in a checkout. A lock whose process is gone counts for nothing. */
async function lock(): Promise<void> {
  const giveUpAt = Date.now() + lockSeconds * 1000
  for (;;) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' })
      return
    } catch {
      if (!readText(lockFile).split(' ').map(Number).some(isRunning))
        rmSync(lockFile, { force: true })
      else if (Date.now() > giveUpAt) throw new Error(`${lockFile} is held for too long`)
      else await sleep(200)
    }
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function readJson(file: string): unknown {
  const text = readText(file)
  if (text === '') return undefined
  return JSON.parse(text)
}

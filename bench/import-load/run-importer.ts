import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Nothing checks them here. */
const env = { ...process.env, AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' }

export type ImporterEnd = {
  readonly code: number | null
  /** Of its own summary: rows, added, rejected, seconds … */
  readonly summary: Readonly<Record<string, number>>
  readonly peakBytes: number
}

/** `landfall allow import` as people run it, in a process of its own; `killed` resolves to kill it. */
export async function runImporter(
  endpoint: string,
  args: readonly string[],
  killed?: Promise<unknown>,
): Promise<ImporterEnd> {
  const child = spawn(
    process.execPath,
    [
      ...['--import', `${root}bench/import-load/report-peak.js`, `${root}app/cli/main.js`],
      ...['allow', 'import', '--json', '--region', 'eu-west-1', '--endpoint-url', endpoint],
      ...args,
    ],
    { env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] },
  )
  const ended = once(child, 'exit')
  void killed?.then(() => child.kill('SIGKILL'))
  const streams = [child.stdout, child.stderr, child.stdio[3]]
  const [stdout, stderr, peak] = await Promise.all(
    streams.map((stream) => (stream instanceof Readable ? text(stream) : '')),
  )
  const [code] = await ended
  if (code === 1 || code === 2) throw new Error(`the importer failed: ${stderr}`)
  return {
    code,
    summary: stdout ? JSON.parse(stdout) : {},
    peakBytes: peak ? JSON.parse(peak).peakBytes : Number.NaN,
  }
}

/** Seconds that the raw client takes for as many rows. */
export async function runRaw(endpoint: string, rows: number, parallel: number): Promise<number> {
  const file = `${root}bench/import-load/raw-puts.ts`
  const child = spawn(process.execPath, [file, endpoint, String(rows), String(parallel)], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { seconds } = JSON.parse(await text(child.stdout))
  return seconds
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { getCompileCacheDir } from 'node:module'
import { devNull } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import type { AccessKey } from '../../../local/credentials.ts'
import { CommandFailure } from '../failure.ts'

const SERVER = fileURLToPath(new URL('../../edge/server.ts', import.meta.url))
const READY_MS = 60_000
/** A little longer than the edge's own time to finish what is under way. */
const STOP_MS = 35_000
const STDERR_KEPT = 2_000

const readySchema = z.object({ listening: z.url() })

export type EdgeProcess = {
  readonly url: string
  /** Resolves with why, once the process has ended by itself. */
  readonly died: Promise<string>
  /** Lets it finish what is under way; resolves when it is gone. */
  stop(): Promise<void>
}

/**
 * Starts the edge as a process of its own: the same entry file as on any machine, told of AWS by the
 * SDK's standard variables and nothing else. Its log goes to `logFile`. It ends with this process,
 * even a killed one, as the channel between them closes. Throws CommandFailure where it doesn't
 * become ready.
 */
export async function startEdge(options: {
  readonly configFile: string
  readonly logFile: string
  readonly awsEndpointUrl: string
  readonly region: string
  readonly accessKey: AccessKey
}): Promise<EdgeProcess> {
  const log = openSync(options.logFile, 'w', 0o600)
  const child = spawn(process.execPath, [SERVER, '--config', options.configFile], {
    stdio: ['ignore', log, 'pipe', 'ipc'],
    env: {
      AWS_ENDPOINT_URL: options.awsEndpointUrl,
      AWS_REGION: options.region,
      AWS_ACCESS_KEY_ID: options.accessKey.accessKeyId,
      AWS_SECRET_ACCESS_KEY: options.accessKey.secretAccessKey,
      // Nothing of the user's own AWS profile reaches the stand-in.
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      // Compiled code is kept for the edge too where it is for this process.
      NODE_COMPILE_CACHE: getCompileCacheDir(),
    },
  })
  closeSync(log)
  let complaint = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-STDERR_KEPT)
  })
  const gone = once(child, 'close').then(([code, signal]) => {
    const how = typeof code === 'number' ? `exit ${code}` : `signal ${String(signal)}`
    return complaint.trim() === '' ? how : `${how}: ${complaint.trim()}`
  })
  const giveUp = new AbortController()
  const ready = once(child, 'message', { signal: giveUp.signal })
  const outcome = await Promise.race([
    ready.then(([message]) => ({ url: readySchema.parse(message).listening })),
    gone.then((why) => ({ why })),
    sleep(READY_MS, { why: `not ready within ${READY_MS / 1000} s` }, { signal: giveUp.signal }),
  ]).finally(() => giveUp.abort())

  async function stop(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await gone
    clearTimeout(late)
  }

  if ('why' in outcome) {
    await stop()
    throw new CommandFailure(`the edge didn’t start (${outcome.why})`, {
      hint: `its log is ${options.logFile}`,
    })
  }
  return { url: outcome.url, died: gone, stop }
}

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LocalJson } from '../../../app/cli/local/local-json.ts'
import { type Run, startLandfall } from './run-landfall.ts'

export type LocalProcess = {
  readonly json: LocalJson
  readonly pid: number
  /** Signals it and waits until it is gone. */
  end(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<Run>
  readonly done: Promise<Run>
}

/** `landfall local` in a process of its own, ready. */
export async function startLocalProcess(
  dataFolder: string,
  ...args: readonly string[]
): Promise<LocalProcess> {
  const started = startLandfall(['local', '--json', '--data', dataFolder, ...args])
  const { child, done } = started
  while (!started.stdout().includes('\n')) {
    if (child.exitCode !== null) {
      throw new Error(`landfall local ended with ${child.exitCode}: ${started.stderr()}`)
    }
    await Promise.race([child.stdout === null ? done : once(child.stdout, 'data'), done])
  }
  return {
    json: JSON.parse(started.stdout()),
    pid: child.pid ?? 0,
    async end(signal) {
      child.kill(signal)
      return await done
    },
    done,
  }
}

/** The processes that this one started (Linux). */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.trim().split(/\s+/).filter(Boolean).map(Number)
}

/** Whether the process is gone within ten seconds. */
export async function isGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      process.kill(pid, 0)
    } catch {
      return true
    }
    await sleep(50)
  }
  return false
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { findSecrets } from '../../find-leaks.ts'

const main = fileURLToPath(new URL('../../../app/cli/main.js', import.meta.url))

export type Run = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** Starts `landfall …` as a real process; its output is collected. */
export function startLandfall(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; stdin?: 'pipe' } = {},
): { child: ChildProcess; done: Promise<Run>; stdout: () => string; stderr: () => string } {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      ...options.env,
    },
  })
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const done = once(child, 'close').then(([code]) =>
    withoutSecrets({ code: typeof code === 'number' ? code : null, stdout, stderr }),
  )
  return { child, done, stdout: () => stdout, stderr: () => stderr }
}

/** Gives a run back, unless it said what no command may say. */
export function withoutSecrets(run: Run): Run {
  const [secret] = findSecrets(run.stdout + run.stderr)
  if (secret !== undefined) throw new Error(`the command printed ${secret}`)
  return run
}

/** Runs `landfall …` to its end. */
export function landfall(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Run> {
  return startLandfall(args, options).done
}

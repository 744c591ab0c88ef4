import type { Progress, Terminal } from '../../app/cli/terminal.ts'
import { type FuzzReport, openFuzz } from '../fuzz/run-fuzz.ts'

const atOnce = 2000

/** Sends so many generated bodies to an edge in this process, until one fails. */
export async function fuzzBodies(
  { bodies, seed }: { bodies: number; seed: number },
  progress: Pick<Progress, 'step' | 'update'>,
): Promise<FuzzReport & { readonly seconds: number; readonly seed: number }> {
  progress.step(`${bodies.toLocaleString('en')} generated bodies, under both contracts`)
  const startedAt = performance.now()
  const fuzz = await openFuzz()
  let report = await fuzz.run(0, seed)
  for (let sent = 0; sent < bodies && report.failure === undefined; sent = report.bodies) {
    const next = await fuzz.run(Math.min(atOnce, bodies - sent), seed + sent)
    report = { ...next, bodies: sent + next.bodies }
    progress.update(`${report.bodies.toLocaleString('en')} bodies`, report.bodies / bodies)
  }
  return { ...report, seed, seconds: Math.round((performance.now() - startedAt) / 1000) }
}

export function showFuzz(
  terminal: Terminal,
  it: FuzzReport & { readonly seconds: number; readonly seed: number },
): void {
  const answers = Object.entries(it.answers).sort(([, a], [, b]) => b - a)
  terminal.table(
    ['bodies', 'answered'],
    answers.map(([answer, count]) => [count.toLocaleString('en'), answer]),
  )
  if (it.failure === undefined) {
    const count = it.bodies.toLocaleString('en')
    terminal.note(
      `${count} bodies in ${it.seconds} s (seed ${it.seed}): no 5xx, no write, no secret`,
    )
  } else terminal.failure(`a body failed: ${it.failure}`, 'keep it in test/fuzz/found.test.ts')
}

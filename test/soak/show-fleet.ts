import type { Terminal } from '../../app/cli/terminal.ts'
import type { SoakReport } from './fleet.ts'

export function showFleet(terminal: Terminal, it: SoakReport): void {
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([why, count]) => `${count} ${why}`)
      .join(', ') || 'nothing'
  const faults = Object.values(it.faults).reduce((sum, count) => sum + count, 0)
  const share = ((100 * faults) / it.awsCalls).toFixed(1)
  terminal.table(
    ['', ''],
    [
      ['provisioned', `${it.provisioned} of ${it.plan.devices} in ${it.seconds} s`],
      ['devices a second', String(it.devicesPerSecond)],
      ['time to identity', describeTimes(it.milliseconds)],
      ['requests', `${it.requests}: ${it.answers503} told to wait, ${it.brokenConnections} cut`],
      ['attempts', String(it.attempts)],
      ['edges killed', String(it.kills)],
      ['AWS calls', `${it.awsCalls}, ${faults} of them failed on purpose (${share} %)`],
      ['', list(it.faults)],
      ['sweep', `${it.sweep.seen} certificates seen in ${it.sweep.seconds} s`],
      ['swept', list(it.sweep.destroyed)],
      ['repaired', list(it.sweep.repaired)],
      ['quotas', 'lifted'],
    ],
  )
  for (const problem of it.problems.slice(0, 50)) terminal.out(problem)
  const count = it.problems.length
  if (count > 0) terminal.failure(`${count} ${count === 1 ? 'problem' : 'problems'}`)
  else terminal.note('every invariant held: I1 to I5 and K1; no orphan is left')
}

function describeTimes({ p50, p95, longest }: SoakReport['milliseconds']): string {
  return `p50 ${p50} ms, p95 ${p95} ms, longest ${longest} ms`
}

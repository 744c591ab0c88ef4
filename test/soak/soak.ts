import { parseArgs } from 'node:util'
import { integer } from '../../app/cli/options.ts'
import { createTerminal } from '../../app/cli/terminal.ts'
import { type SoakReport, soak } from './fleet.ts'

const usage = `A fleet comes up through edges that are killed and an AWS whose calls fail.

Usage: npm run soak -- [--devices N] [--minutes N] [--seed N] [--json]

  --devices N  devices over six regions, 90 % of them with keys of their own (default 2000)
  --minutes N  give up after so many (default 5)
  --seed N     decides who asks which edge and which edge dies; not what AWS does (default 1)
  --json       the report as one JSON object on stdout
  --help       this text

Quotas are lifted: 15 certificates a second and region would be what is measured otherwise.
Exit code 0: all were provisioned and every invariant held; 1: not so; 2: the flags are wrong.
`

const steps = 4

async function main(): Promise<number> {
  const terminal = createTerminal(process)
  const flags = parseFlags()
  if (flags === undefined) {
    terminal.failure('the flags are wrong', 'npm run soak -- --help')
    return 2
  }
  if (flags.help) {
    process.stdout.write(usage)
    return 0
  }
  const { devices, minutes, seed } = flags
  const progress = terminal.progress(steps)
  const report = await soak(
    { devices, minutes, seed, edges: 4, atOnce: 64, killEverySeconds: [1, 3] },
    progress,
  ).finally(() => progress.finish())
  if (flags.json) terminal.json(report)
  else show(report)
  return report.problems.length === 0 ? 0 : 1

  function show(it: SoakReport): void {
    const list = (counts: Readonly<Record<string, number>>) =>
      Object.entries(counts)
        .map(([why, count]) => `${count} ${why}`)
        .join(', ') || 'nothing'
    const faults = Object.values(it.faults).reduce((sum, count) => sum + count, 0)
    const share = ((100 * faults) / it.awsCalls).toFixed(1)
    terminal.table(
      ['', ''],
      [
        ['provisioned', `${it.provisioned} of ${devices} in ${it.seconds} s`],
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
}

function describeTimes({ p50, p95, longest }: SoakReport['milliseconds']): string {
  return `p50 ${p50} ms, p95 ${p95} ms, longest ${longest} ms`
}

function parseFlags() {
  try {
    const { values } = parseArgs({
      options: {
        devices: { type: 'string', default: '2000' },
        minutes: { type: 'string', default: '5' },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    return {
      ...values,
      devices: integer(1, 100_000)(values.devices),
      minutes: integer(1, 1000)(values.minutes),
      seed: integer(0, 1e9)(values.seed),
    }
  } catch {
    return undefined
  }
}

process.exitCode = await main()

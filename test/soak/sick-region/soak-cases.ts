import { writeFile } from 'node:fs/promises'
import type { Progress, Terminal } from '../../../app/cli/terminal.ts'
import { type SickCase, sickCases } from './cases.ts'
import { drawTimeLine } from './draw-time-line.ts'
import { type CaseVerdict, judge } from './judge.ts'
import { type CasePlan, runCase } from './run-case.ts'
import { timeLineOf } from './time-line.ts'

export type CaseResult = CaseVerdict & { readonly name: string; readonly kills: readonly string[] }

/** As a deployed edge is configured, a load of ten devices a second, and a minute of sickness. */
export const soakPlan: CasePlan = {
  devicesPerSecond: 10,
  mostUnanswered: 500,
  quotaPerSecond: 100,
  settings: {
    aws: { connectSeconds: 2, requestSeconds: 4 },
    deadlineSeconds: 20,
    leaseSeconds: 60,
  },
  healthySeconds: 15,
  sickSeconds: 60,
  backWithinSeconds: 40,
  steadySeconds: 5,
  retryScale: 1,
  minutes: 6,
}

/** Those named, or all of them; throws RangeError for a name that there isn't. */
export function casesNamed(names: readonly string[]): readonly SickCase[] {
  for (const name of names) {
    if (!sickCases.some((it) => it.name === name)) throw new RangeError(`no case ${name}`)
  }
  return names.length === 0 ? sickCases : sickCases.filter((it) => names.includes(it.name))
}

/** One case after the other, so that none slows another down. `svgFile` gets the last one's time line. */
export async function soakCases(
  cases: readonly SickCase[],
  progress: Progress,
  options: { readonly sickSeconds: number; readonly svgFile?: string | undefined },
): Promise<CaseResult[]> {
  const plan = { ...soakPlan, sickSeconds: options.sickSeconds }
  const results: CaseResult[] = []
  for (const sickCase of cases) {
    progress.step(`Ten devices a second, while ${sickCase.title}`)
    const run = await runCase(sickCase, plan)
    results.push({ name: sickCase.name, kills: run.kills, ...judge(run) })
    if (options.svgFile !== undefined) {
      const day = new Date(run.startedAt).toISOString().slice(0, 10)
      const note = `${plan.devicesPerSecond} new devices a second, half of them nearest to eu-west-1 and half of those not allowed elsewhere; measured ${day}`
      await writeFile(options.svgFile, drawTimeLine(timeLineOf(run), note))
    }
  }
  return results
}

export function showCases(terminal: Terminal, results: readonly CaseResult[]): void {
  const { devicesPerSecond, quotaPerSecond } = soakPlan
  terminal.table(
    ['case', 'devices', 'elsewhere', 'moved', 'told 503', 'tried', 'opened', 'probes', 'at once'],
    results.map(({ name, figures: it }) => [
      name,
      String(it.devices),
      String(it.elsewhere),
      String(it.moved),
      String(it.answers503),
      String(it.triedBeforeOpen),
      it.openedAfterSeconds === undefined ? 'never' : `${it.openedAfterSeconds} s, ${it.openings}×`,
      String(it.probes),
      String(it.probesAtOnce),
    ]),
  )
  terminal.out('')
  terminal.table(
    ['case', 'p95 healthy', 'until open', 'while open', 'recovered', 'back', 'strict', 'told'],
    results.map(({ name, figures: it }) => [
      name,
      ...Object.values(it.p95Milliseconds).map((ms) => `${ms} ms`),
      `${it.backAfterSeconds} s`,
      `${it.strictAfterSeconds} s`,
      it.toldSeconds.map((seconds) => `${seconds} s`).join(' to '),
    ]),
  )
  for (const { name, kills } of results) for (const kill of kills) terminal.note(`${name}: ${kill}`)
  const wrong = results.flatMap((it) =>
    [...it.problems, ...it.slow].map((text) => `${it.name}: ${text}`),
  )
  for (const text of wrong.slice(0, 50)) terminal.out(text)
  terminal.note(
    `${devicesPerSecond} devices a second; quotas raised to ${quotaPerSecond} calls a second for each operation and region`,
  )
  if (wrong.length > 0)
    terminal.failure(`${wrong.length} ${wrong.length === 1 ? 'problem' : 'problems'}`)
  else
    terminal.note('every device has its answer, none in a forbidden region; every invariant held')
}

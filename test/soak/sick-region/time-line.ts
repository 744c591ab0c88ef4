import { quantile } from '../../../bench/statistics.ts'
import { breakerSpells } from './breaker-spells.ts'
import { regions } from './cases.ts'
import { probesOf } from './judge.ts'
import type { CaseRun } from './run-case.ts'

/** What a picture of a case shows. Times are in seconds since the first device arrived. */
export type TimeLine = {
  readonly title: string
  readonly sickRegions: string
  readonly seconds: number
  readonly sick: readonly Spell[]
  /** Answers in each second: identities by region, and requests told to come later. */
  readonly answers: readonly {
    readonly landed: Readonly<Record<string, number>>
    readonly later: number
  }[]
  /** From arrival to identity of each device that may go elsewhere, at its arrival. */
  readonly devices: readonly { readonly at: number; readonly seconds: number }[]
  /** p95 of those of five seconds each. */
  readonly p95: readonly (Spell & { readonly seconds: number })[]
  readonly breakers: readonly {
    readonly edge: string
    readonly region: string
    readonly spells: readonly Spell[]
    readonly probes: readonly number[]
  }[]
}

export type Spell = { readonly from: number; readonly to: number }

const binSeconds = 5

export function timeLineOf(run: CaseRun): TimeLine {
  const since = (at: number) => Math.round((at - run.startedAt) / 10) / 100
  const asks = run.devices.flatMap((it) => it.asks)
  const seconds = Math.ceil(since(Math.max(run.startedAt, ...asks.map((it) => it.endedAt))))
  const spell = ({ from, to }: Spell) => ({ from: since(from), to: Math.min(since(to), seconds) })
  const within = (second: number) => asks.filter((it) => Math.floor(since(it.endedAt)) === second)
  const devices = run.devices
    .filter((it) => !it.strict && it.landed !== undefined)
    .map(({ asks: own }) => {
      const [from, to] = [own[0]?.startedAt ?? 0, own.at(-1)?.endedAt ?? 0]
      return { at: since(from), seconds: (to - from) / 1000 }
    })
  const bins = Map.groupBy(devices, ({ at }) => Math.floor(at / binSeconds))
  const spells = breakerSpells(run)
  const probes = probesOf(run)
  return {
    title: run.sickCase.title.replace(/^./, (first) => first.toUpperCase()),
    sickRegions: run.sickCase.sickRegions.join(' and '),
    seconds,
    sick: run.spells.map(spell),
    answers: Array.from({ length: seconds }, (_, second) => {
      const now = within(second)
      const landed = regions.map((it) => [it, now.filter((ask) => ask.region === it).length])
      return {
        landed: Object.fromEntries(landed),
        later: now.filter((ask) => ask.status === 503).length,
      }
    }),
    devices,
    p95: [...bins]
      .sort(([a], [b]) => a - b)
      .map(([bin, all]) => ({
        from: bin * binSeconds,
        to: (bin + 1) * binSeconds,
        seconds: quantile(
          all.map((it) => it.seconds),
          0.95,
        ),
      })),
    breakers: run.edges.flatMap((edge) =>
      run.sickCase.sickRegions.map((region) => {
        const own = (it: { edge: string; region: string }) =>
          it.edge === edge.name && it.region === region
        return {
          edge: edge.name,
          region,
          spells: spells.filter(own).map(spell),
          probes: probes.filter(own).map((it) => since(it.startedAt)),
        }
      }),
    ),
  }
}

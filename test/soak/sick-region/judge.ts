import { quantile } from '../../../bench/statistics.ts'
import { type BreakerSpell, breakerSpells } from './breaker-spells.ts'
import type { LoadDevice } from './load.ts'
import type { CaseRun } from './run-case.ts'
import { type Try, triesOf } from './tries.ts'

/** What a case came to. Seconds and milliseconds are of the devices' clock. */
export type CaseFigures = {
  readonly devices: number
  readonly requests: number
  /** Requests told to come again later, and connections that broke. */
  readonly answers503: number
  readonly broken: number
  /** The shortest and the longest Retry-After; none where nobody was told to come later. */
  readonly toldSeconds: readonly number[]
  /** Devices of a sick region that landed in another one. */
  readonly elsewhere: number
  /** Attempts that went on in a second region (step 2f). */
  readonly moved: number
  /** Requests that were tried in a sick region while it was sick and its breaker closed. */
  readonly triedBeforeOpen: number
  /** Requests that were tried in a region while its breaker was open or half open, and how many at once at one edge. */
  readonly probes: number
  readonly probesAtOnce: number
  /** Regions that one request was tried in, at most. */
  readonly regionsTried: number
  /** Breakers that opened, all edges together, and until the last edge's first one had. */
  readonly openings: number
  readonly openedAfterSeconds: number | undefined
  /** From the arrival to the identity, p95, of devices that may go elsewhere. */
  readonly p95Milliseconds: {
    readonly healthy: number
    readonly untilOpen: number
    readonly whileOpen: number
    readonly recovered: number
  }
  /** From the recovery to the last arrival of a device that landed away from its nearest region. */
  readonly backAfterSeconds: number
  /** From the recovery to the last identity of a device that may not go elsewhere. */
  readonly strictAfterSeconds: number
}

export type CaseVerdict = {
  readonly figures: CaseFigures
  /** What may never be, on however slow a machine. */
  readonly problems: readonly string[]
  /** What took longer than promised: 2 s over the healthy p95, 30 s to be back. */
  readonly slow: readonly string[]
}

const slowerAtMostMs = 2000
const backWithinSeconds = 30

/** Judges what happened: pure. */
export function judge(run: CaseRun): CaseVerdict {
  const spells = breakerSpells(run)
  const tries = triesOf(run)
  const probes = probesOf(run)
  const figures = figuresOf(run, { spells, tries, probes })
  const { healthy, whileOpen } = figures.p95Milliseconds
  return {
    figures,
    problems: [
      ...run.devices.flatMap(deviceProblems),
      ...strayed(run, tries),
      ...openedNever(run, spells),
      ...(figures.regionsTried > 2
        ? [`a request was tried in ${figures.regionsTried} regions`]
        : []),
      ...(figures.probesAtOnce > 1 ? [`${figures.probesAtOnce} probes at once at one edge`] : []),
      ...(run.back ? [] : ['devices still land away from their nearest region']),
      ...run.auditProblems,
    ],
    slow: [
      ...(whileOpen <= healthy + slowerAtMostMs
        ? []
        : [`p95 is ${whileOpen} ms with the breaker open, and ${healthy} ms when healthy`]),
      ...(figures.backAfterSeconds <= backWithinSeconds
        ? []
        : [`back after ${figures.backAfterSeconds} s`]),
    ],
  }
}

type Seen = {
  readonly spells: readonly BreakerSpell[]
  readonly tries: readonly Try[]
  readonly probes: readonly Try[]
}

function figuresOf(run: CaseRun, { spells, tries, probes }: Seen): CaseFigures {
  const { sickAt, recoveredAt, openedAt } = phases(run, spells)
  const asks = run.devices.flatMap((it) => it.asks)
  const told = asks.flatMap((it) => it.retryAfterSeconds ?? [])
  const ofSick = run.devices.filter(({ home }) => run.sickCase.sickRegions.includes(home))
  const away = ofSick.filter((it) => it.landed !== undefined && it.landed.region !== it.home)
  const wasSick = (at: number) => run.spells.some(({ from, to }) => from <= at && at <= to)
  const p95 = (from: number, to: number) => {
    const free = run.devices.filter((it) => !it.strict && from <= arrival(it) && arrival(it) < to)
    return Math.round(quantile(free.map(milliseconds), 0.95))
  }
  const strictEnds = run.devices.filter((it) => it.strict).map((it) => it.asks.at(-1)?.endedAt ?? 0)
  return {
    devices: run.devices.length,
    requests: asks.length,
    answers503: asks.filter((it) => it.status === 503).length,
    broken: asks.filter((it) => it.status === undefined).length,
    toldSeconds: told.length === 0 ? [] : [Math.min(...told), Math.max(...told)],
    elsewhere: away.length,
    moved: run.edges.flatMap(({ log }) => log).filter((line) => line.failedOver === 1).length,
    triedBeforeOpen: tries.filter(
      (it) =>
        run.sickCase.sickRegions.includes(it.region) &&
        wasSick(it.startedAt) &&
        !isProbe(it, spells),
    ).length,
    probes: probes.length,
    probesAtOnce: mostAtOnce(probes),
    regionsTried: mostRegions(tries),
    openings: spells.length,
    openedAfterSeconds: openedAt === undefined ? undefined : seconds(openedAt - sickAt),
    p95Milliseconds: {
      healthy: p95(run.startedAt, sickAt),
      untilOpen: p95(sickAt, openedAt ?? recoveredAt),
      whileOpen: p95(openedAt ?? recoveredAt, recoveredAt),
      recovered: p95(recoveredAt, Number.POSITIVE_INFINITY),
    },
    backAfterSeconds: seconds(Math.max(0, ...away.map((it) => arrival(it) - recoveredAt))),
    strictAfterSeconds: seconds(Math.max(0, ...strictEnds.map((at) => at - recoveredAt))),
  }
}

/** `openedAt`: from when on every edge that lived had opened a breaker for every sick region. */
function phases(run: CaseRun, spells: readonly BreakerSpell[]) {
  const sickAt = run.spells[0]?.from ?? run.startedAt
  const recoveredAt = run.spells.at(-1)?.to ?? sickAt
  const first = firstOpenings(run, spells).map((it) => it.at)
  const openedAt = first.includes(undefined)
    ? undefined
    : Math.max(sickAt, ...first.map((at) => at ?? sickAt))
  return { sickAt, recoveredAt, openedAt }
}

function firstOpenings(run: CaseRun, spells: readonly BreakerSpell[]) {
  return run.edges
    .filter((edge) => !edge.killed)
    .flatMap((edge) =>
      run.sickCase.sickRegions.map((region) => ({
        edge: edge.name,
        region,
        at: spells.find((it) => it.edge === edge.name && it.region === region)?.from,
      })),
    )
}

function openedNever(run: CaseRun, spells: readonly BreakerSpell[]): string[] {
  return firstOpenings(run, spells).flatMap(({ edge, region, at }) =>
    at === undefined ? [`${edge} never opened its breaker of ${region}`] : [],
  )
}

function deviceProblems({ name, home, strict, landed, failure }: LoadDevice): string[] {
  if (landed === undefined) return [`I3: ${name} has no answer: ${failure}`]
  return strict && landed.region !== home ? [`${name} landed in ${landed.region}, forbidden`] : []
}

/** Devices that may not go elsewhere, and were even tried there. */
function strayed(run: CaseRun, tries: readonly Try[]): string[] {
  const strict = new Map(run.devices.filter((it) => it.strict).map((it) => [it.name, it.home]))
  return tries.flatMap(({ device, region }) => {
    const home = strict.get(device)
    return home === undefined || home === region ? [] : [`${device} was tried in ${region}`]
  })
}

/** Tries of regions whose breaker wasn't closed. */
export function probesOf(run: CaseRun): Try[] {
  const spells = breakerSpells(run)
  return triesOf(run).filter((it) => isProbe(it, spells))
}

/** A try that began, with its request, while the breaker of that edge and region wasn't closed. */
function isProbe(it: Try, spells: readonly BreakerSpell[]): boolean {
  return spells.some(
    ({ edge, region, from, to }) =>
      edge === it.edge && region === it.region && from < it.askedAt && it.startedAt < to,
  )
}

function mostAtOnce(probes: readonly Try[]): number {
  const overlapping = probes.map(
    (it) =>
      probes.filter(
        (other) =>
          other.edge === it.edge &&
          other.region === it.region &&
          other.startedAt <= it.startedAt &&
          it.startedAt < other.endedAt,
      ).length,
  )
  return Math.max(0, ...overlapping)
}

function mostRegions(tries: readonly Try[]): number {
  const regions = Map.groupBy(tries, (it) => `${it.device} ${it.askedAt}`)
  const counts = [...regions.values()].map((all) => new Set(all.map((it) => it.region)).size)
  return Math.max(0, ...counts)
}

function arrival({ asks }: LoadDevice): number {
  return asks[0]?.startedAt ?? 0
}

function milliseconds(it: LoadDevice): number {
  return (it.asks.at(-1)?.endedAt ?? 0) - arrival(it)
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10
}

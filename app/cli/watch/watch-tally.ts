import { requestOutcomes } from '../../edge/request-log.ts'
import type { LogEvent, RequestEvent } from './log-event.ts'

type Outcome = RequestEvent['outcome']

export type RegionCount = {
  readonly region: string
  readonly provisioned: number
  readonly repeated: number
  readonly failed: number
  /** Of those provisioned whose distance is known. */
  readonly meanKm: number | undefined
}

/** What was watched, in numbers. */
export type WatchSummary = {
  readonly requests: number
  /** Of the log, those that a filter keeps out among them. */
  readonly requestsRead: number
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** The busiest first. */
  readonly regions: readonly RegionCount[]
  /** Why requests were refused or failed, the most frequent first. */
  readonly reasons: readonly { readonly reason: string; readonly requests: number }[]
  /** By the processes that saw it themselves: others hear of it. */
  readonly breakersOpened: number
  /** Lines that tell of nothing here. */
  readonly passedOver: number
  /** By the log's own times, in seconds from the first to the last request. */
  readonly seconds: number
}

export type WatchTally = {
  add(event: LogEvent): void
  /** An event that a filter keeps out. */
  keepOut(event: LogEvent): void
  passOver(): void
  summary(): WatchSummary
}

/** A log may be anybody's, so what it names is bounded. */
const mostNames = 200
const others = 'others'

type Counted = {
  provisioned: number
  repeated: number
  failed: number
  km: number
  located: number
}

/** Counts events as they come, in memory that doesn't grow with them. */
export function startWatchTally(): WatchTally {
  const outcomes: Record<Outcome, number> = { provisioned: 0, repeated: 0, refused: 0, failed: 0 }
  const regions = new Map<string, Counted>()
  const reasons = new Map<string, number>()
  let requestsKeptOut = 0
  let breakersOpened = 0
  let passedOver = 0
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY

  function addRequest(event: RequestEvent): void {
    const { outcome, region, reason, distanceKm } = event
    outcomes[outcome]++
    const at = Date.parse(event.time)
    first = Math.min(first, at)
    last = Math.max(last, at)
    if (outcome === 'refused' || outcome === 'failed') {
      const name = bounded(reasons, reason ?? 'no reason')
      reasons.set(name, (reasons.get(name) ?? 0) + 1)
    }
    if (region === undefined || outcome === 'refused') return
    const name = bounded(regions, region)
    const counted = regions.get(name) ?? {
      provisioned: 0,
      repeated: 0,
      failed: 0,
      km: 0,
      located: 0,
    }
    regions.set(name, counted)
    counted[outcome]++
    if (outcome !== 'provisioned' || distanceKm === undefined) return
    counted.km += distanceKm
    counted.located++
  }

  return {
    add(event) {
      if (event.type === 'request') addRequest(event)
      else if (event.type === 'breaker' && event.state === 'open' && event.own !== false) {
        breakersOpened++
      }
    },
    keepOut(event) {
      if (event.type === 'request') requestsKeptOut++
    },
    passOver() {
      passedOver++
    },
    summary() {
      const requests = requestOutcomes.reduce((sum, it) => sum + outcomes[it], 0)
      return {
        requests,
        requestsRead: requests + requestsKeptOut,
        outcomes: { ...outcomes },
        regions: [...regions]
          .map(([region, { km, located, ...counts }]) => ({
            region,
            ...counts,
            meanKm: located === 0 ? undefined : km / located,
          }))
          .sort((a, b) => b.provisioned + b.repeated - a.provisioned - a.repeated),
        reasons: [...reasons]
          .map(([reason, count]) => ({ reason, requests: count }))
          .sort((a, b) => b.requests - a.requests),
        breakersOpened,
        passedOver,
        seconds: requests === 0 ? 0 : (last - first) / 1000,
      }
    },
  }
}

function bounded(counts: ReadonlyMap<string, unknown>, name: string): string {
  return counts.has(name) || counts.size < mostNames ? name : others
}

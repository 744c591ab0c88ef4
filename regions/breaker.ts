import type { RegionErrorCode } from './region-error.ts'

/**
 * Whether one region may be tried, by what became of the last devices that were sent there: pure, all
 * times in epoch milliseconds. `closed`: it may. `open`: not before `until`; from then on one attempt at
 * a time may, the probe, whose outcome decides.
 */
export type Breaker =
  | {
      readonly state: 'closed'
      /** What began before says nothing of the region as it is now. */
      readonly since: number
      /** How often it opened in a row, with less than `calmSeconds` between. */
      readonly openings: number
      /** The last one of each device, oldest first. */
      readonly outcomes: readonly Outcome[]
      /** Probes so far: none gets the number of another. */
      readonly probes: number
    }
  | {
      readonly state: 'open'
      readonly since: number
      readonly until: number
      readonly openings: number
      readonly lastError: RegionErrorCode
      readonly probe?: Admission
      readonly probes: number
    }

/** Leave to try the region. */
export type Admission = { readonly at: number; readonly probe?: number }

type Outcome = { readonly at: number; readonly thingName: string; readonly weight: number }

/** What an attempt says of its region. */
export type RegionOutcome = 'ok' | RegionErrorCode

/** A breaker as another process of the same edge left it. */
export type SharedBreaker =
  | {
      readonly state: 'closed'
      readonly since: number
      /** What it was open for. */
      readonly lastError?: RegionErrorCode
    }
  | {
      readonly state: 'open'
      readonly since: number
      readonly until: number
      readonly lastError: RegionErrorCode
    }

/** What counts: the last ten seconds, or the last four devices of the last minute where those are more. */
const windowSeconds = 10
const leastOutcomes = 4
const memorySeconds = 60
/** Bounds the window of a busy edge. */
const mostOutcomes = 200

/** Devices that must have failed, where a deployment doesn't say otherwise. */
export const defaultFailures = 3
const leastThrottled = 10
const openingShare = 0.5

const firstOpenSeconds = 5
const longestOpenSeconds = 20
/** A region that was well for so long begins with the shortest time again. */
const calmSeconds = 60
/** A probe that tells nothing for so long is given up: no request lasts longer than 28 s. */
const probeSeconds = 29

/** Between the processes of an edge. */
const clockSkewSeconds = 5

/** How much an outcome weighs; undefined: it isn't the region's doing. */
const weights: Readonly<Record<RegionOutcome, number | undefined>> = {
  ok: 0,
  // Asks to slow down, which it gets: it only breaks where nothing else comes back.
  throttled: 0.5,
  failing: 1,
  unreachable: 1,
  deadline: 1,
  refused: 1,
  'invalid-csr': undefined,
  'not-ours': undefined,
  contended: undefined,
}

export const newBreaker: Breaker = {
  state: 'closed',
  since: Number.NEGATIVE_INFINITY,
  openings: 0,
  outcomes: [],
  probes: 0,
}

/** `half-open`: the time is over, and a probe decides, under way or not. */
export function breakerState(breaker: Breaker, now: number): 'closed' | 'open' | 'half-open' {
  if (breaker.state === 'closed') return 'closed'
  return isResting(breaker, now) ? 'open' : 'half-open'
}

/** Whether an attempt has to go elsewhere now. */
export function isDown(breaker: Breaker, now: number): boolean {
  return breaker.state === 'open' && (isResting(breaker, now) || isProbing(breaker, now))
}

/** Takes leave to try the region, which is the probe's where the breaker isn't closed. */
export function enter(
  breaker: Breaker,
  now: number,
): { breaker: Breaker; admission: Admission | undefined } {
  if (breaker.state === 'closed') return { breaker, admission: { at: now } }
  if (isDown(breaker, now)) return { breaker, admission: undefined }
  const probes = breaker.probes + 1
  const probe = { at: now, probe: probes }
  return { breaker: { ...breaker, probe, probes }, admission: probe }
}

/** The breaker after an admitted attempt told something; `random` in [0, 1) spreads the next probes. */
export function recordOutcome(
  breaker: Breaker,
  told: { admission: Admission; thingName: string; outcome: RegionOutcome },
  now: number,
  random: number,
  leastFailures: number = defaultFailures,
): Breaker {
  const { admission, thingName, outcome } = told
  const weight = weights[outcome]
  if (breaker.state === 'open') {
    if (admission.probe === undefined || breaker.probe?.probe !== admission.probe) return breaker
    if (outcome === 'ok') return close(breaker, now)
    if (weight === undefined) return leave(breaker, admission)
    return open(breaker, now, random, outcome)
  }
  if (weight === undefined || isBefore(admission.at, breaker.since, now)) return breaker
  const others = breaker.outcomes.filter((it) => it.thingName !== thingName)
  const outcomes = recent([...others, { at: now, thingName, weight }], now)
  const next = { ...breaker, outcomes }
  if (outcome === 'ok' || !isSick(outcomes, leastFailures)) return next
  return open(next, now, random, outcome)
}

/** The breaker after an admitted attempt that says nothing of the region: its slot is free again. */
export function leave(breaker: Breaker, admission: Admission): Breaker {
  if (breaker.state === 'closed' || admission.probe === undefined) return breaker
  if (breaker.probe?.probe !== admission.probe) return breaker
  const { probe: _probe, ...rest } = breaker
  return rest
}

/**
 * Takes over what another process of the same edge learnt. Each probes at a time of its own, so that
 * many of them don't come at once.
 */
export function adopt(
  breaker: Breaker,
  shared: SharedBreaker,
  now: number,
  random: number,
): Breaker {
  if (shared.state === 'closed') {
    const isNews = breaker.state === 'open' && shared.since > breaker.since && shared.since <= now
    return isNews ? close(breaker, now) : breaker
  }
  if (breaker.state === 'open' || shared.until <= now || shared.since <= breaker.since) {
    return breaker
  }
  // A clock that is ahead of this one would be news for ever.
  if (shared.since > now + clockSkewSeconds * 1000) return breaker
  const spread = shared.until + random * firstOpenSeconds * 1000
  const until = Math.min(spread, now + longestOpenSeconds * 1000)
  const { openings, probes } = breaker
  return { state: 'open', since: now, until, openings, lastError: shared.lastError, probes }
}

function isResting(breaker: Breaker & { state: 'open' }, now: number): boolean {
  // A clock that was set back is no reason to wait longer.
  return now >= breaker.since && now < breaker.until
}

function isProbing({ probe }: Breaker & { state: 'open' }, now: number): boolean {
  return probe !== undefined && now >= probe.at && now < probe.at + probeSeconds * 1000
}

function isBefore(at: number, since: number, now: number): boolean {
  return at < since && since <= now
}

function close({ openings, probes }: Breaker, now: number): Breaker {
  return { state: 'closed', since: now, openings, outcomes: [], probes }
}

function open(breaker: Breaker, now: number, random: number, lastError: RegionErrorCode): Breaker {
  const calm = breaker.state === 'closed' && !(now - breaker.since < calmSeconds * 1000)
  const openings = calm ? 1 : breaker.openings + 1
  const seconds = Math.min(firstOpenSeconds * 2 ** (openings - 1), longestOpenSeconds)
  const spread = Math.min(seconds * (0.8 + 0.4 * random), longestOpenSeconds)
  return {
    state: 'open',
    since: now,
    until: now + spread * 1000,
    openings,
    lastError,
    probes: breaker.probes,
  }
}

function recent(outcomes: readonly Outcome[], now: number): readonly Outcome[] {
  const remembered = outcomes.filter((it) => Math.abs(now - it.at) < memorySeconds * 1000)
  const inWindow = remembered.filter((it) => Math.abs(now - it.at) < windowSeconds * 1000).length
  return remembered.slice(-Math.min(Math.max(inWindow, leastOutcomes), mostOutcomes))
}

function isSick(outcomes: readonly Outcome[], leastFailures: number): boolean {
  const weight = outcomes.reduce((sum, it) => sum + it.weight, 0)
  const failures = outcomes.filter((it) => it.weight === 1).length
  const enough =
    failures >= leastFailures || outcomes.length >= Math.max(leastThrottled, leastFailures)
  return enough && weight >= outcomes.length * openingShare
}

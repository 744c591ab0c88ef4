/**
 * How fast writes may go on: pure; times in milliseconds. Without limit until the table throttles. Then
 * the rate falls to a little less than what was accepted last, at most by half, and rises again: quickly
 * to where it was throttled, slowly beyond, so that it follows a table that grows (AIMD). The first fall
 * says little of where that is: after it the rate doubles each second, until it is throttled again.
 */
export type Pace = {
  /** Writes a second; undefined while nothing throttles. */
  readonly perSecond: number | undefined
  /** The rate at which the table throttled last; infinite until that is known. */
  readonly ceiling: number
  /** When the next write may go. */
  readonly nextAt: number
  /** Since when answers are counted; a window begins with the first of them. */
  readonly windowFrom: number
  readonly accepted: number
  readonly throttled: number
}

/** Throttled answers within it are about the same moment: they count once. */
const windowMs = 250
/** Fewer answers say nothing of a rate. */
const fewestAnswers = 10
const longestWindowMs = 2_000
const slowest = 1
/** Turns missed by so much may be made up at once: a timer is late by some, a busy machine by more. */
const mostLateMs = 50

export function freshPace(now: number): Pace {
  const window = { windowFrom: now, accepted: 0, throttled: 0 }
  return { perSecond: undefined, ceiling: Number.POSITIVE_INFINITY, nextAt: now, ...window }
}

/** Takes the next turn; it comes at `at`, which may be past. */
export function takeTurn(pace: Pace, now: number): { readonly pace: Pace; readonly at: number } {
  if (pace.perSecond === undefined) return { pace, at: now }
  const at = Math.max(now - mostLateMs, pace.nextAt)
  return { pace: { ...pace, nextAt: at + 1000 / pace.perSecond }, at }
}

export function afterAccepted(pace: Pace, now: number): Pace {
  const { perSecond } = pace
  const counted = { ...pace, windowFrom: windowStart(pace, now), accepted: pace.accepted + 1 }
  if (perSecond !== undefined)
    counted.perSecond = perSecond + risePerAnswer(perSecond, pace.ceiling)
  if (now - counted.windowFrom <= longestWindowMs) return counted
  return { ...counted, windowFrom: now, accepted: 0, throttled: 0 }
}

/** The first answer begins it: how long that takes says nothing. */
function windowStart({ accepted, throttled, windowFrom }: Pace, now: number): number {
  return accepted + throttled === 0 ? now : windowFrom
}

/** A second brings `perSecond` answers: so a share of each of them is that share of the rate. */
function risePerAnswer(perSecond: number, ceiling: number): number {
  if (ceiling === Number.POSITIVE_INFINITY) return Math.LN2
  return perSecond < ceiling ? (0.1 * ceiling) / perSecond : 0.05
}

export function afterThrottled(pace: Pace, now: number): Pace {
  const counted = { ...pace, windowFrom: windowStart(pace, now), throttled: pace.throttled + 1 }
  const elapsed = now - counted.windowFrom
  if (elapsed < windowMs || counted.accepted + counted.throttled < fewestAnswers) return counted
  const acceptedPerSecond = Math.max(slowest, (pace.accepted * 1000) / elapsed)
  const before = pace.perSecond ?? acceptedPerSecond * 2
  // A little less than accepted, so that what the table holds in store for bursts fills again.
  const perSecond = Math.max(slowest, before / 2, Math.min(acceptedPerSecond, before) * 0.95)
  const ceiling = pace.perSecond ?? Number.POSITIVE_INFINITY
  return { ...pace, perSecond, ceiling, windowFrom: now, accepted: 0, throttled: 0 }
}

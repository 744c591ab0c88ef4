/**
 * How fast writes may go on: pure; times in milliseconds. Without limit until the table throttles. Then
 * the rate falls to what it accepted last, and rises by a twentieth of that each second, so that it
 * follows a table that grows (AIMD; the fall ends at half, since a short window tells little).
 */
export type Pace = {
  /** Writes a second; undefined while nothing throttles. */
  readonly perSecond: number | undefined
  /** What it rises by each second. */
  readonly risePerSecond: number
  /** When the next write may go. */
  readonly nextAt: number
  /** Since when `accepted` counts. */
  readonly windowFrom: number
  readonly accepted: number
}

/** Throttled answers within it are about the same moment: they count once. */
const windowMs = 250
const longestWindowMs = 2_000
const slowest = 1

export function freshPace(now: number): Pace {
  return { perSecond: undefined, risePerSecond: 0, nextAt: now, windowFrom: now, accepted: 0 }
}

/** Takes the next turn; it comes at `at`. */
export function takeTurn(pace: Pace, now: number): { readonly pace: Pace; readonly at: number } {
  if (pace.perSecond === undefined) return { pace, at: now }
  const at = Math.max(now, pace.nextAt)
  return { pace: { ...pace, nextAt: at + 1000 / pace.perSecond }, at }
}

export function afterAccepted(pace: Pace, now: number): Pace {
  const { perSecond, risePerSecond } = pace
  const counted = { ...pace, accepted: pace.accepted + 1 }
  // In all, the writes of a second raise it by `risePerSecond`.
  if (perSecond !== undefined) counted.perSecond = perSecond + risePerSecond / perSecond
  if (now - pace.windowFrom <= longestWindowMs) return counted
  return { ...counted, windowFrom: now, accepted: 0 }
}

export function afterThrottled(pace: Pace, now: number): Pace {
  const elapsed = now - pace.windowFrom
  if (elapsed < windowMs) return pace
  const acceptedPerSecond = (pace.accepted * 1000) / elapsed
  const before = pace.perSecond ?? Math.max(acceptedPerSecond, slowest) * 2
  const perSecond = Math.max(slowest, before / 2, Math.min(acceptedPerSecond, before))
  return { ...pace, perSecond, risePerSecond: perSecond / 20, windowFrom: now, accepted: 0 }
}

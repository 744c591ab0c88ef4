import { csrsPerSecond } from '../../regions/default-quotas.ts'

const leastSeconds = 5
/** Doubled by the spread at most: no device is told to sleep longer than two minutes. */
const mostSeconds = 60

/**
 * Whole seconds after which a refused device shall ask again: the longer, the more were refused in the
 * last minute (`backlog`), not before `notBeforeSeconds`, and spread from once to twice that, so that
 * devices told to wait don't come back together. From 5 to 120; `random` in [0, 1).
 */
export function retryAfterSeconds(
  { backlog, notBeforeSeconds = 0 }: { backlog: number; notBeforeSeconds?: number },
  random: number,
): number {
  const wait = Math.max(leastSeconds + backlog / csrsPerSecond, notBeforeSeconds)
  return Math.ceil(Math.min(wait, mostSeconds) * (1 + random))
}

const minute = 60_000
const sliceMs = 5000

/** Counts a process's refusals of the last minute, each for what stood in the way. */
export function countRefusals(now: () => number) {
  const slices = new Map<string, Map<number, number>>()
  return {
    /** Counts one more, and gives all of the last minute. `cause` is one of few. */
    add(cause: string): number {
      const at = now()
      const counted = slices.get(cause) ?? new Map<number, number>()
      slices.set(cause, counted)
      // By the distance, so that a clock that is set back forgets what it no longer understands.
      for (const slice of counted.keys()) {
        if (Math.abs(at - slice * sliceMs) > minute) counted.delete(slice)
      }
      const slice = Math.floor(at / sliceMs)
      counted.set(slice, (counted.get(slice) ?? 0) + 1)
      return [...counted.values()].reduce((sum, count) => sum + count, 0)
    },
  }
}

import type { EdgeBreaker } from './status-row.ts'

/**
 * Writes how breakers stand, off any request's way: one write of a region at a time and each for so many
 * seconds at most, so that an older state never follows a newer one. What changes meanwhile waits, and
 * only the newest of it is written. A write that fails is told, and not repeated: the next change is news.
 */
export function publishBreakers(deps: {
  put: (breaker: EdgeBreaker, signal: AbortSignal) => Promise<void>
  timeoutSeconds: number
  onProblem: (region: string, error: unknown) => void
}): (breaker: EdgeBreaker) => void {
  /** By region, while a write is under way: what is to be written next. */
  const waiting = new Map<string, EdgeBreaker | undefined>()

  async function write(first: EdgeBreaker): Promise<void> {
    const { region } = first
    for (let next: EdgeBreaker | undefined = first; next !== undefined; ) {
      waiting.set(region, undefined)
      try {
        await deps.put(next, AbortSignal.timeout(deps.timeoutSeconds * 1000))
      } catch (error) {
        deps.onProblem(region, error)
      }
      next = waiting.get(region)
    }
    waiting.delete(region)
  }

  return (breaker) => {
    if (waiting.has(breaker.region)) waiting.set(breaker.region, breaker)
    else void write(breaker)
  }
}

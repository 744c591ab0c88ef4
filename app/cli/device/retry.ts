const BASE_MS = 500
const CAP_MS = 10_000

/**
 * How long to wait before the next try. `attempt` counts from 0; `random` is 0 to 1.
 * Never sooner than Retry-After said; the jitter on top keeps a fleet that was told the same
 * second from coming back in the same one.
 */
export function retryDelayMs(
  attempt: number,
  retryAfterSeconds: number | undefined,
  random: number,
): number {
  const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** attempt)
  if (retryAfterSeconds === undefined) return Math.round(ceiling / 2 + (ceiling / 2) * random)
  return retryAfterSeconds * 1000 + Math.round((ceiling / 2) * random)
}

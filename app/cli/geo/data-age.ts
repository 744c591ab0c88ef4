import { GeoBuildError } from './geo-build-error.ts'

export const defaultMaxAgeMonths = 12

/** Whether data of that day (ISO 8601) are older than so many calendar months at `now`. */
export function isStale(date: string, maxAgeMonths: number, now: number): boolean {
  const oldest = new Date(now)
  oldest.setUTCMonth(oldest.getUTCMonth() - maxAgeMonths)
  return !(Date.parse(date) >= Date.parse(oldest.toISOString().slice(0, 10)))
}

/** Throws GeoBuildError for data that are too old. */
export function assertFresh(
  date: string,
  limit: { readonly maxAgeMonths: number; readonly allowStale: boolean },
  now: number,
): void {
  if (limit.allowStale || !isStale(date, limit.maxAgeMonths, now)) return
  throw new GeoBuildError(
    `the data are of ${date}, more than ${limit.maxAgeMonths} months old: addresses have moved since`,
  )
}

import type { RegionOutcome } from '../../regions/breaker.ts'
import { RegionError, type RegionErrorCode } from '../../regions/region-error.ts'

/** What another region may do better; `deadline` is of the region's own share of the time. */
const ofTheRegion: ReadonlySet<RegionErrorCode> = new Set([
  'throttled',
  'failing',
  'unreachable',
  'refused',
  'deadline',
])

const lasting: ReadonlySet<RegionErrorCode> = new Set(['not-ours', 'invalid-csr', 'refused'])

/** Whether the attempt failed because of its region, and of nothing else. */
export function regionAlone(
  failures: readonly unknown[],
  own: { readonly region: { readonly region: string } },
): boolean {
  return failures.every(
    (it) =>
      it instanceof RegionError && it.region === own.region.region && ofTheRegion.has(it.code),
  )
}

/**
 * What calls to a region say of it: the worst of its own failures, `ok` where it had none.
 * Undefined where nothing is said: what failed was the device's doing, ours, or the request's time was
 * up before the region had its share.
 */
export function regionOutcome(
  failures: readonly unknown[],
  region: string,
  hadItsShare: boolean,
): RegionOutcome | undefined {
  const codes = failures.flatMap((it) =>
    it instanceof RegionError && it.region === region ? [it.code] : [],
  )
  const faults = codes.filter((it) => ofTheRegion.has(it) && (it !== 'deadline' || hadItsShare))
  const worst = faults.find((it) => it !== 'throttled') ?? faults[0]
  if (worst !== undefined) return worst
  return failures.every((it) => it instanceof RegionError && it.region !== region)
    ? 'ok'
    : undefined
}

/** Of several failures the one that waiting won't mend, so that it isn't taken for a passing fault. */
export function failureToThrow(failures: readonly unknown[]): unknown {
  return failures.find((it) => it instanceof RegionError && lasting.has(it.code)) ?? failures[0]
}

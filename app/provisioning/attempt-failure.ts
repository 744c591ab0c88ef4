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

/** Of several failures the one that waiting won't mend, so that it isn't taken for a passing fault. */
export function failureToThrow(failures: readonly unknown[]): unknown {
  return failures.find((it) => it instanceof RegionError && lasting.has(it.code)) ?? failures[0]
}

import type { Placement } from './placement.ts'

/**
 * Where an attempt goes on whose region failed: the next candidate that the policy's `failover` allows
 * and that isn't `down`. Undefined where it allows none. Pure.
 */
export function failOver(
  placement: Placement,
  down: readonly string[] = [],
): Placement | undefined {
  const [region, ...rest] = placement.failover.filter((it) => !down.includes(it))
  const next = placement.candidates.find((it) => it.region === region)
  if (next === undefined) return undefined
  const { distanceKm: _km, ...kept } = placement
  const failed = placement.candidates.find((it) => it.region === placement.region)
  return {
    ...kept,
    basis: placement.basis === 'default' ? 'near-default' : placement.basis,
    region: next.region,
    ...(next.distanceKm === undefined ? {} : { distanceKm: next.distanceKm }),
    candidates: [
      next,
      ...placement.candidates.filter(
        (it) => it !== next && it !== failed && !down.includes(it.region),
      ),
    ],
    failover: rest,
    skipped: [
      ...placement.skipped,
      ...(failed === undefined ? [] : [{ ...failed, why: 'failed' as const }]),
      ...placement.candidates.flatMap((it) =>
        down.includes(it.region) ? [{ ...it, why: 'down' as const }] : [],
      ),
    ],
  }
}

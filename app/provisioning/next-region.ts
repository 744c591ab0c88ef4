import { failOver } from '../../regions/failover.ts'
import type { IotRegion } from '../../regions/iot-region.ts'
import type { NoPlacement, Placement } from '../../regions/placement.ts'
import type { Attempt, AttemptDeps } from './attempt.ts'
import type { Passage } from './region-gate.ts'
import type { WaveName } from './waves.ts'

/** Where an attempt goes on, with the leave to do so. */
export type Next = {
  readonly placement: Placement
  readonly region: IotRegion
  readonly passage: Passage
}

/** Whether this attempt could go on elsewhere. An old certificate in the region that fails keeps the device there. */
export function hasOther(
  deps: AttemptDeps,
  placement: Placement | NoPlacement,
  own: Attempt,
): boolean {
  if (placement.region !== own.region.region) return false
  if (own.claimed.superseded.some((old) => old.region === own.region.region)) return false
  return placement.failover.some((it) => deps.regions.find(it) !== undefined)
}

/** The next region of the policy that isn't down by now. */
export function enterNext(
  deps: AttemptDeps,
  placement: Placement | NoPlacement,
  { claimed: { thingName } }: Attempt,
): Next | undefined {
  if (placement.region === undefined) return undefined
  const down: string[] = []
  for (const name of placement.failover) {
    const region = deps.regions.find(name)
    const next = failOver(placement, down)
    if (next === undefined) return undefined
    const passage = region && deps.gate.enter(name, thingName)
    if (region !== undefined && passage !== undefined) return { placement: next, region, passage }
    down.push(name)
  }
  return undefined
}

/** Starts a watch: whether a wave has taken a region's whole share of the time since. */
export function watchShare(deps: AttemptDeps, wave: WaveName): () => boolean {
  const before = deps.waves.milliseconds[wave] ?? 0
  // A timer may come a little early.
  const share = deps.failoverSeconds * 1000 - 50
  return () => (deps.waves.milliseconds[wave] ?? 0) - before >= share
}

import type { RegionOutcome } from '../../regions/breaker.ts'

/** Keeps attempts out of regions that are sick, and learns from those it lets in. */
export type RegionGate = {
  /** Leave to try a region for this device; undefined: not now. Whoever has it leaves in the end. */
  enter(region: string, thingName: string): Passage | undefined
}

export type Passage = {
  /** What the attempt says of the region; nothing where it says nothing. */
  report(outcome: RegionOutcome | undefined): void
  /** The attempt is over; after a report it does nothing. */
  leave(): void
}

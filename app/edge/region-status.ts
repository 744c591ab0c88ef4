import {
  adopt,
  type Breaker,
  breakerState,
  enter,
  isDown,
  leave,
  newBreaker,
  type RegionOutcome,
  recordOutcome,
  type SharedBreaker,
} from '../../regions/breaker.ts'
import type { Unavailable } from '../../regions/candidates.ts'
import type { RegionGate } from '../provisioning/region-gate.ts'
import type { SharedStatus } from '../region-status/status-table.ts'

/** A breaker that opened, stayed open or closed; `own`: by what this process saw. */
export type BreakerChange = { readonly region: string; readonly own: boolean } & SharedBreaker

export type RegionState = 'ok' | 'draining' | 'open' | 'half-open'

export type RegionStatus = RegionGate & {
  /** Where no new device may go now. */
  unavailable(shared: SharedStatus): Unavailable
  /** Milliseconds until a region that is down may be tried again; 0 where it may. */
  msUntilTried(region: string): number
  states(shared: SharedStatus | undefined): Record<string, RegionState>
}

/** The status of every enabled region at this edge: one breaker each in this process. */
export function watchRegions(deps: {
  regions: readonly string[]
  /** So many devices must fail before a region is kept out. */
  failures: number
  now: () => number
  random: () => number
  /** Told of every change; must not throw. */
  onChange: (change: BreakerChange) => void
}): RegionStatus {
  const breakers = new Map<string, Breaker>(deps.regions.map((it) => [it, newBreaker]))
  const of = (region: string) => breakers.get(region) ?? newBreaker
  let adopted: SharedStatus | undefined

  function set(region: string, next: Breaker, own: boolean): void {
    const before = of(region)
    breakers.set(region, next)
    if (next.state === 'closed') {
      const { state, since } = next
      if (before.state === 'closed') return
      deps.onChange({ region, own, state, since, lastError: before.lastError })
      return
    }
    const { state, since, until, lastError } = next
    const isNew = before.state === 'closed' || before.until !== until
    if (isNew) deps.onChange({ region, own, state, since, until, lastError })
  }

  /** Each copy of the table once: what it says of a breaker is old by the next request. */
  function learn(shared: SharedStatus): void {
    if (shared === adopted) return
    adopted = shared
    for (const [region, it] of shared.breakers) {
      if (breakers.has(region)) {
        set(region, adopt(of(region), it, deps.now(), deps.random()), false)
      }
    }
  }

  return {
    unavailable(shared) {
      learn(shared)
      const now = deps.now()
      const down = deps.regions.filter((it) => isDown(of(it), now))
      return new Map([
        ...[...shared.draining].map((it) => [it, 'draining'] as const),
        ...down.map((it) => [it, 'down'] as const),
      ])
    },
    enter(region, thingName) {
      const entered = enter(of(region), deps.now())
      const { admission } = entered
      if (admission === undefined) return undefined
      set(region, entered.breaker, true)
      return {
        report(outcome: RegionOutcome | undefined) {
          if (outcome === undefined) return
          const told = { admission, thingName, outcome }
          const next = recordOutcome(of(region), told, deps.now(), deps.random(), deps.failures)
          set(region, next, true)
        },
        leave: () => set(region, leave(of(region), admission), true),
      }
    },
    msUntilTried(region) {
      const breaker = of(region)
      const now = deps.now()
      if (!isDown(breaker, now) || breaker.state === 'closed') return 0
      return Math.max(0, breaker.until - now)
    },
    states(shared) {
      const now = deps.now()
      const stateOf = (region: string): RegionState => {
        const state = breakerState(of(region), now)
        if (state !== 'closed') return state
        return shared?.draining.has(region) ? 'draining' : 'ok'
      }
      return Object.fromEntries(deps.regions.map((it) => [it, stateOf(it)]))
    },
  }
}

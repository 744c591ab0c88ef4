import type { CaseRun, EdgeRun } from './run-case.ts'

/** A time in which an edge kept a region out of its requests, but for probes. In ms since 1970. */
export type BreakerSpell = {
  readonly edge: string
  readonly region: string
  readonly from: number
  /** Where it was still open at the end: never. */
  readonly to: number
}

/** Every time that a breaker opened until it closed, by the edges' logs; a probe that fails goes on with it. */
export function breakerSpells({ edges }: CaseRun): BreakerSpell[] {
  return edges.flatMap(spellsOf)
}

function spellsOf({ name, log }: EdgeRun): BreakerSpell[] {
  const spells: BreakerSpell[] = []
  const open = new Map<string, number>()
  for (const { msg, region, time } of log) {
    const named = String(region)
    const at = Date.parse(String(time))
    const from = open.get(named)
    if (msg === 'breaker opened' && from === undefined) open.set(named, at)
    if (msg === 'breaker closed' && from !== undefined) {
      spells.push({ edge: name, region: named, from, to: at })
      open.delete(named)
    }
  }
  const lasting = [...open].map(([region, from]) => ({ edge: name, region, from }))
  return [...spells, ...lasting.map((it) => ({ ...it, to: Number.POSITIVE_INFINITY }))]
}

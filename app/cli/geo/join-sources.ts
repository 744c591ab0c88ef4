import { distanceKm } from '../../../regions/distance.ts'
import { Cuts, type Partition, unknown } from './partition.ts'
import type { PlaceList, SourcePlace } from './place-list.ts'

/** Two sources that put an address no farther apart say the same: about the way between two cities. */
const agreementKm = 250

/** One family's partition, with the list that its places are numbered in. */
export type Sourced = { readonly partition: Partition; readonly places: PlaceList }

/**
 * Two independent sources as one. Where they agree, confidence is high; where they contradict each
 * other, low, and the place is the first one's; a city goes before a country's middle.
 */
export function joinSources(first: Sourced, second: Sourced, joined: PlaceList): Partition {
  const known = new Map<number, number>()
  const place = (a: number, b: number): number => {
    const pair = a * 0x100_0000 + b
    const before = known.get(pair)
    if (before !== undefined) return before
    const both = joinPlaces(first.places.at(a), second.places.at(b))
    const made = both === undefined ? unknown : joined.idOf(both)
    known.set(pair, made)
    return made
  }
  const a = first.partition
  const b = second.partition
  const cuts = new Cuts(a.starts.length + b.starts.length)
  let rowA = 0
  let rowB = 0
  let placeA = unknown
  let placeB = unknown
  while (rowA < a.starts.length || rowB < b.starts.length) {
    const startA = a.starts[rowA]
    const startB = b.starts[rowB]
    const start = startB === undefined || (startA ?? startB) < startB ? startA : startB
    if (start === undefined) break
    if (startA === start) placeA = a.places[rowA++] ?? unknown
    if (startB === start) placeB = b.places[rowB++] ?? unknown
    cuts.add(start, place(placeA, placeB))
  }
  return cuts.finish()
}

/** What two sources say together. */
export function joinPlaces(
  a: SourcePlace | undefined,
  b: SourcePlace | undefined,
): SourcePlace | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const agreed = a.country === b.country && distanceKm(a, b) <= agreementKm
  const better = a.confidence === 'low' && b.confidence !== 'low' ? b : a
  if (agreed) return { ...better, confidence: 'high' }
  const onlyOneKnowsTheCity = a.country === b.country && a.confidence !== b.confidence
  return { ...better, confidence: onlyOneKnowsTheCity ? 'normal' : 'low' }
}

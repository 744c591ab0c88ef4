import type { Point } from './planar.ts'

/** A box by its upper left corner. */
export type Box = {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export type LabelWish = {
  /** Where the marker is. */
  readonly at: Point
  readonly width: number
  readonly height: number
}

/** A label's box, and the line that leads from its marker to it, where it isn't beside it. */
export type PlacedLabel = Box & { readonly leader?: readonly [Point, Point] }

const markerRadius = 6
const gap = 3
const reaches = [9, 20, 32, 46, 62, 80, 100, 122, 146]
const directions = 24
const rounds = 8

/**
 * Finds places for labels: beside their markers where there is room, else farther away with a leader
 * line. None covers another, or a marker, or leaves the frame, as long as there is room at all.
 * What a label `hides` (in pixels that it would be moved to avoid it) counts against its place.
 * Each label in turn takes the best place among the others' until none wants to move.
 */
export function placeLabels(
  wishes: readonly LabelWish[],
  frame: Box,
  hides: (box: Box) => number,
): PlacedLabel[] {
  const markers = wishes.map((it) => it.at)
  const choices = wishes.map((wish) => candidates(wish, frame, hides))
  const placed = choices.map(([first]) => first)
  // The ones with most neighbours first: they have the least choice.
  const order = wishes
    .map((_, index) => index)
    .sort((a, b) => crowd(markers, b) - crowd(markers, a) || a - b)
  for (let round = 0; round < rounds; round++) {
    let moved = false
    for (const index of order) {
      const others = placed.filter((it, other) => it !== undefined && other !== index)
      let [best, least] = [placed[index], Number.POSITIVE_INFINITY]
      for (const choice of choices[index] ?? []) {
        const cost = costOf(choice, others, markers)
        if (cost < least) [best, least] = [choice, cost]
      }
      moved ||= best !== placed[index]
      placed[index] = best
    }
    if (!moved) break
  }
  return placed.flatMap((it) => (it === undefined ? [] : [it.label]))
}

type Choice = {
  readonly label: PlacedLabel
  readonly leader: readonly [Point, Point]
  readonly effort: number
}

function candidates(
  { at: [x, y], width, height }: LabelWish,
  frame: Box,
  hides: (box: Box) => number,
): Choice[] {
  return reaches.flatMap((reach, far) =>
    Array.from({ length: directions }, (_, step): Choice | undefined => {
      const angle = (step * 2 * Math.PI) / directions
      const [dx, dy] = [Math.cos(angle), Math.sin(angle)]
      // The box touches the circle of that reach from outside.
      const box = {
        x: x + dx * reach + (dx - 1) * (width / 2),
        y: y + dy * reach + (dy - 1) * (height / 2),
        width,
        height,
      }
      if (!within(box, frame)) return undefined
      const end: Point = [
        Math.max(box.x, Math.min(x, box.x + width)),
        Math.max(box.y, Math.min(y, box.y + height)),
      ]
      const leader = [[x, y], end] as const
      // To the right, and level, is where a label is looked for first.
      const effort = reach * 1.2 + hides(box) + (far === 0 ? Math.abs(dy) * 3 - dx : 0)
      return { label: far === 0 ? box : { ...box, leader }, leader, effort }
    }).filter((it) => it !== undefined),
  )
}

function costOf(
  { label, leader, effort }: Choice,
  others: readonly (Choice | undefined)[],
  markers: readonly Point[],
): number {
  let cost = effort
  for (const [x, y] of markers) {
    const marker = {
      x: x - markerRadius,
      y: y - markerRadius,
      width: 2 * markerRadius,
      height: 2 * markerRadius,
    }
    if (overlap(label, marker, 0)) cost += 2000
    if (x !== leader[0][0] && crosses(leader, marker)) cost += 400
  }
  for (const other of others) {
    if (other === undefined) continue
    if (overlap(label, other.label, gap)) cost += 4000
    if (crosses(leader, other.label) || crosses(other.leader, label)) cost += 1500
    if (meet(leader, other.leader)) cost += 1500
  }
  return cost
}

function crowd(markers: readonly Point[], index: number): number {
  const [x, y] = markers[index] ?? [0, 0]
  return markers.filter(([px, py]) => Math.hypot(px - x, py - y) < 90).length
}

function within(box: Box, frame: Box): boolean {
  return (
    box.x >= frame.x &&
    box.y >= frame.y &&
    box.x + box.width <= frame.x + frame.width &&
    box.y + box.height <= frame.y + frame.height
  )
}

/** Two boxes overlap, or are nearer than so many pixels. */
export function overlap(a: Box, b: Box, apart: number): boolean {
  return (
    a.x < b.x + b.width + apart &&
    b.x < a.x + a.width + apart &&
    a.y < b.y + b.height + apart &&
    b.y < a.y + a.height + apart
  )
}

function crosses(leader: readonly [Point, Point], box: Box): boolean {
  const [a, b] = leader
  const steps = Math.max(1, Math.ceil(Math.hypot(b[0] - a[0], b[1] - a[1]) / 3))
  for (let step = 0; step <= steps; step++) {
    const x = a[0] + ((b[0] - a[0]) * step) / steps
    const y = a[1] + ((b[1] - a[1]) * step) / steps
    if (x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height) return true
  }
  return false
}

function meet([a, b]: readonly [Point, Point], [c, d]: readonly [Point, Point]): boolean {
  const side = (p: Point, q: Point, r: Point) =>
    Math.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))
  return side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b)
}

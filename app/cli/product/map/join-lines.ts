import type { Line, Point } from './planar.ts'

/** A piece of an outline, the area on the same side of all of them. */
export type Edge = { readonly from: Point; readonly to: Point }

/** Adds a piece's edges; one that runs along another's the other way lies within the area: both go. */
export function addRing(
  edges: Map<string, Map<string, Edge>>,
  name: string,
  ring: readonly Point[],
): void {
  const known = edges.get(name) ?? new Map<string, Edge>()
  edges.set(name, known)
  ring.forEach((from, at) => {
    const to = ring[(at + 1) % ring.length] ?? from
    const [here, there] = [keyOf(from), keyOf(to)]
    if (here === there) return
    if (!known.delete(`${there} ${here}`)) known.set(`${here} ${there}`, { from, to })
  })
}

export function joinRings(edges: ReadonlyMap<string, Edge>): Line[] {
  const next = new Map<string, Edge[]>()
  for (const edge of edges.values()) {
    const key = keyOf(edge.from)
    next.set(key, [...(next.get(key) ?? []), edge])
  }
  const rings: Line[] = []
  for (const start of edges.values()) {
    const ring: Point[] = []
    for (
      let edge = next.get(keyOf(start.from))?.pop();
      edge !== undefined;
      edge = next.get(keyOf(edge.to))?.pop()
    ) {
      ring.push(edge.from)
    }
    if (ring.length > 2) rings.push(withoutStraight(ring))
  }
  return rings
}

/** Pieces of boundary as longer lines, as far as they go on in one another. */
export function joinLines(pieces: readonly Line[]): Line[] {
  const at = new Map<string, Set<Line>>()
  const open = new Set(pieces.filter(([a, b]) => a && b && keyOf(a) !== keyOf(b)))
  for (const piece of open) {
    for (const point of piece) {
      const key = keyOf(point)
      at.set(key, (at.get(key) ?? new Set()).add(piece))
    }
  }
  const extend = (line: Point[]) => {
    for (;;) {
      const end = line.at(-1)
      const others = [...(end === undefined ? [] : (at.get(keyOf(end)) ?? []))]
      const piece = others.find((it) => open.has(it))
      // Where three meet, a line ends.
      if (end === undefined || piece === undefined || others.length > 2) return
      open.delete(piece)
      const [a, b] = piece
      const other = a !== undefined && keyOf(a) === keyOf(end) ? b : a
      if (other !== undefined) line.push(other)
    }
  }
  const lines: Line[] = []
  for (const piece of open) {
    open.delete(piece)
    const line = [...piece]
    extend(line)
    line.reverse()
    extend(line)
    lines.push(line)
  }
  return lines
}

function withoutStraight(ring: readonly Point[]): Line {
  return ring.filter(([x, y], at) => {
    const [x0, y0] = ring[(at + ring.length - 1) % ring.length] ?? [x, y]
    const [x1, y1] = ring[(at + 1) % ring.length] ?? [x, y]
    return Math.abs((x - x0) * (y1 - y) - (x1 - x) * (y - y0)) > 1e-6
  })
}

function keyOf([x, y]: Point): string {
  return `${x},${y}`
}

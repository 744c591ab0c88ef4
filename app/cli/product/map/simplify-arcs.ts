import type { Arc, Objects, Positions, Properties, Topology } from 'topojson-specification'

/** Degrees that a straight piece may span: d3 draws it as a great circle, which leaves a parallel. */
const longestPiece = 1.5

/**
 * A topology with coordinates in degrees and fewer of them (Ramer, Douglas, Peucker: none is farther
 * than `tolerance` degrees from what is left). Arcs are simplified one by one, so that what two
 * countries share stays shared.
 */
export function simplifyArcs<T extends Objects<Properties>>(
  topology: Topology<T>,
  tolerance: number,
): Topology<T> {
  const { transform, ...rest } = topology
  const absolute = topology.arcs.map((arc) =>
    transform === undefined ? arc : decode(arc, transform),
  )
  return { ...rest, arcs: absolute.map((arc) => divide(simplify(arc, tolerance))) }
}

function decode(arc: Arc, { scale, translate }: NonNullable<Topology['transform']>): Arc {
  let [x, y] = [0, 0]
  return arc.map(([dx = 0, dy = 0]) => {
    x += dx
    y += dy
    return [x * scale[0] + translate[0], y * scale[1] + translate[1]]
  })
}

function simplify(arc: Arc, tolerance: number): Arc {
  const keep = new Uint8Array(arc.length)
  keep[0] = 1
  keep[arc.length - 1] = 1
  const open: [number, number][] = [[0, arc.length - 1]]
  for (let piece = open.pop(); piece !== undefined; piece = open.pop()) {
    const [from, to] = piece
    let [farthest, most] = [-1, tolerance]
    for (let at = from + 1; at < to; at++) {
      const away = distance(arc[at], arc[from], arc[to])
      if (away > most) [farthest, most] = [at, away]
    }
    if (farthest < 0) continue
    keep[farthest] = 1
    open.push([from, farthest], [farthest, to])
  }
  return arc.filter((_, at) => keep[at] === 1)
}

/** Of a point from a piece of line, in degrees of latitude. */
function distance([px = 0, py = 0]: Positions = [], a: Positions = [], b: Positions = []): number {
  const narrow = Math.cos((py * Math.PI) / 180)
  const [ax, ay] = [((a[0] ?? 0) - px) * narrow, (a[1] ?? 0) - py]
  const [dx, dy] = [((b[0] ?? 0) - (a[0] ?? 0)) * narrow, (b[1] ?? 0) - (a[1] ?? 0)]
  const square = dx * dx + dy * dy
  const along = square === 0 ? 0 : Math.max(0, Math.min(1, -(ax * dx + ay * dy) / square))
  return Math.hypot(ax + along * dx, ay + along * dy)
}

function divide(arc: Arc): Arc {
  return arc.flatMap((point, at) => {
    const [x = 0, y = 0] = point
    const [x0 = x, y0 = y] = arc[at - 1] ?? []
    const pieces = Math.ceil(Math.hypot(x - x0, y - y0) / longestPiece)
    // An arc over the antimeridian jumps to the other side: nothing lies between.
    if (pieces < 2 || Math.abs(x - x0) > 180) return [point]
    return Array.from({ length: pieces }, (_, piece) => {
      const part = (piece + 1) / pieces
      return [x0 + (x - x0) * part, y0 + (y - y0) * part]
    })
  })
}

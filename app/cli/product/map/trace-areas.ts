import { addRing, type Edge, joinLines, joinRings } from './join-lines.ts'
import { type Line, type Point, round } from './planar.ts'
import { cellsOf } from './shape-cells.ts'

/** The areas of a shape by name, as rings that overlap its edge, and the lines between them. */
export type Traced = {
  readonly areas: ReadonlyMap<string, readonly Line[]>
  readonly boundaries: readonly Line[]
}

const halvings = 6

/**
 * Divides a shape (rings on the map, even-odd) into areas: `nameAt` says what a point belongs to. It is
 * asked at the nodes of a square grid in and around the shape; where two neighbours differ, the
 * boundary's place between them is found by halving (marching squares with any number of names). The
 * areas reach up to two cells beyond the shape, which has to clip them.
 */
export function traceAreas(
  shape: readonly Line[],
  cell: number,
  nameAt: (x: number, y: number) => string,
): Traced {
  const names = new Map<string, string>()
  const name = (column: number, row: number) => {
    const key = `${column} ${row}`
    const known = names.get(key)
    if (known !== undefined) return known
    const found = nameAt(column * cell, row * cell)
    names.set(key, found)
    return found
  }
  const edges = new Map<string, Map<string, Edge>>()
  const boundaries: Line[] = []
  for (const [column, row] of cellsOf(shape, cell)) {
    const corners = [
      [column, row],
      [column + 1, row],
      [column + 1, row + 1],
      [column, row + 1],
    ] as const
    const named = corners.map(([x, y]) => name(x, y))
    const points = corners.map(([x, y]): Point => [round(x * cell), round(y * cell)])
    /** Around the cell: each corner, and behind it the crossing to the next one, where names differ. */
    const around = points.flatMap((point, at): Around[] => {
      const [next, here, there] = [points[(at + 1) % 4], named[at], named[(at + 1) % 4]]
      if (next === undefined || here === undefined || there === undefined) return []
      if (here === there) return [{ point, name: here }]
      const crossing = findCrossing(point, next, here, nameAt)
      return [
        { point, name: here },
        { point: crossing, name: undefined },
      ]
    })
    const crossings = around.filter((it) => it.name === undefined).map((it) => it.point)
    const middle: Point = [round((column + 0.5) * cell), round((row + 0.5) * cell)]
    const [first, second] = crossings
    if (first !== undefined && second !== undefined) {
      if (crossings.length === 2) boundaries.push([first, second])
      else for (const crossing of crossings) boundaries.push([crossing, middle])
    }
    for (const piece of pieces(around, crossings.length > 2 ? middle : undefined)) {
      addRing(edges, piece.name, piece.ring)
    }
  }
  return {
    areas: new Map([...edges].map(([area, some]) => [area, joinRings(some)])),
    boundaries: joinLines(boundaries),
  }
}

type Around = { readonly point: Point; readonly name: string | undefined }

/** Where the name changes; the same point from whichever side it is looked for. */
function findCrossing(
  a: Point,
  b: Point,
  nameOfA: string,
  nameAt: (x: number, y: number) => string,
): Point {
  const swapped = a[0] > b[0] || a[1] > b[1]
  let [low, high] = swapped ? [b, a] : [a, b]
  const nameOfLow = swapped ? nameAt(low[0], low[1]) : nameOfA
  for (let step = 0; step < halvings; step++) {
    const middle: Point = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2]
    if (nameAt(middle[0], middle[1]) === nameOfLow) low = middle
    else high = middle
  }
  return [round((low[0] + high[0]) / 2), round((low[1] + high[1]) / 2)]
}

/** What of a cell belongs to each name: from crossing to crossing, over the middle where three meet. */
function pieces(around: readonly Around[], middle: Point | undefined) {
  const start = around.findIndex((it) => it.name === undefined)
  if (start < 0) return [{ name: around[0]?.name ?? '', ring: around.map((it) => it.point) }]
  const turned = [...around.slice(start), ...around.slice(0, start + 1)]
  const found: { name: string; ring: Point[] }[] = []
  let ring: Point[] = []
  let name = ''
  for (const it of turned) {
    if (it.name !== undefined) {
      name = it.name
      ring.push(it.point)
      continue
    }
    if (ring.length > 0) {
      ring.push(it.point)
      if (middle !== undefined) ring.push(middle)
      found.push({ name, ring })
    }
    ring = [it.point]
  }
  return found
}

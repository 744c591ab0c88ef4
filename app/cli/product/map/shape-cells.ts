import type { Line } from './planar.ts'

/** The cells that a shape touches, by their upper left node. */
export function cellsOf(shape: readonly Line[], cell: number): (readonly [number, number])[] {
  const rows = new Map<number, Set<number>>()
  const mark = (x: number, y: number) => {
    const row = Math.floor(y / cell)
    rows.set(row, (rows.get(row) ?? new Set()).add(Math.floor(x / cell)))
  }
  const crossings = new Map<number, number[]>()
  for (const ring of shape) {
    ring.forEach(([x, y], at) => {
      const [x0, y0] = ring[(at + ring.length - 1) % ring.length] ?? [x, y]
      const steps = Math.max(1, Math.ceil(Math.hypot(x - x0, y - y0) / (cell / 4)))
      for (let step = 1; step <= steps; step++) {
        mark(x0 + ((x - x0) * step) / steps, y0 + ((y - y0) * step) / steps)
      }
      // Where the edge crosses the middle of a row of cells, the shape begins or ends there.
      const [top, bottom] = y < y0 ? [y, y0] : [y0, y]
      for (let row = Math.ceil(top / cell - 0.5); (row + 0.5) * cell < bottom; row++) {
        const middle = (row + 0.5) * cell
        if (middle < top) continue
        const crossing = x0 + ((x - x0) * (middle - y0)) / (y - y0)
        crossings.set(row, [...(crossings.get(row) ?? []), crossing])
      }
    })
  }
  for (const [row, some] of crossings) {
    some.sort((a, b) => a - b)
    for (let at = 0; at + 1 < some.length; at += 2) {
      for (let x = some[at] ?? 0; x < (some[at + 1] ?? 0); x += cell) mark(x, (row + 0.5) * cell)
    }
  }
  return [...rows].flatMap(([row, columns]) => [...columns].map((column) => [column, row] as const))
}

import { type GeoPermissibleObjects, type GeoProjection, geoPath } from 'd3-geo'

export type Point = readonly [x: number, y: number]
/** Points on the map, in tenths of a pixel exactly; closed ones don't repeat their first. */
export type Line = readonly Point[]

/** A geometry as it lies on the map: polygons give rings, lines give lines. */
export function projectLines(projection: GeoProjection, geometry: GeoPermissibleObjects): Line[] {
  const lines: Point[][] = []
  let line: Point[] = []
  const add = (x: number, y: number) => {
    const last = line.at(-1)
    const [px, py] = [round(x), round(y)]
    if (last === undefined || last[0] !== px || last[1] !== py) line.push([px, py])
  }
  geoPath(projection, {
    beginPath: () => {},
    moveTo(x, y) {
      line = []
      lines.push(line)
      add(x, y)
    },
    lineTo: add,
    arc: () => {},
    closePath() {
      const [first, last] = [line[0], line.at(-1)]
      if (line.length > 1 && first?.[0] === last?.[0] && first?.[1] === last?.[1]) line.pop()
    },
  })(geometry)
  return lines.filter((it) => it.length > 1)
}

/** To a tenth of a pixel. */
export function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** The data of an SVG path, in relative coordinates, as they are shorter. */
export function pathOf(lines: readonly Line[], closed: boolean): string {
  return lines
    .map((line) => {
      let [x, y] = [0, 0]
      const steps = line.map(([px, py], at) => {
        const step = `${at === 0 ? 'M' : 'l'}${tenths(px - x)} ${tenths(py - y)}`
        ;[x, y] = [px, py]
        return step
      })
      return `${steps.join('').replaceAll(' -', '-')}${closed ? 'z' : ''}`
    })
    .join('')
}

function tenths(value: number): string {
  return String(round(value) + 0).replace(/^(-?)0\./, '$1.')
}

import { catalogue } from '../../../../regions/catalogue.ts'
import type { Area } from './catchments.ts'

/** A pattern's tile: its size in pixels, and its drawing. Sizes divide `sharedTile`. */
type Motif = { readonly size: number; readonly path: string; readonly width?: number }

const line = (size: number, path: string, width: number): Motif => ({ size, path, width })
const filled = (size: number, path: string): Motif => ({ size, path })
const dot = (x: number, y: number, r: number) =>
  `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0-${2 * r} 0`

/** One for each Region of the catalogue, in its order: neighbours differ in direction and weight. */
const motifs: readonly Motif[] = [
  line(8, 'M-2 2l4-4M0 8l8-8M6 10l4-4', 1.4),
  filled(12, dot(3, 3, 2.5) + dot(9, 9, 2.5)),
  line(12, 'M-6 3l6 6 6-6 6 6 6-6', 1.6),
  line(6, 'M0 3h6', 1.4),
  line(12, 'M3 .5v5M.5 3h5M9 6.5v5M6.5 9h5', 1.4),
  line(12, 'M-3 9l6 6M0 0l12 12M9-3l6 6', 3),
  line(6, 'M3 0v6', 1.4),
  filled(12, 'M0 0h6v6H0zM6 6h6v6H6z'),
  line(12, dot(6, 6, 3.2), 1.3),
  line(12, 'M-3 3l6-6M0 12L12 0M9 15l6-6', 3),
  filled(8, dot(2, 2, 1.2) + dot(6, 6, 1.2)),
  line(12, 'M0 6h12', 3.6),
  line(12, 'M1 3h6M7 9h6M-5 9h6', 2),
  filled(12, 'M2 10l4-8 4 8z'),
  line(16, 'M0 4h16M0 12h16M4 4v8M12 12v4M12 0v4', 1.3),
  line(12, 'M6 0v12', 3.6),
  line(8, 'M-2 6l4 4M0 0l8 8M6-2l4 4', 1.4),
  line(12, 'M3 1v6M9 7v6M9-5v6', 2),
  line(12, 'M-6 6q3-6 6 0t6 0t6 0t6 0', 1.8),
  line(12, 'M3 3h6v6H3z', 1.4),
  filled(12, 'M6 1.5L10.5 6 6 10.5 1.5 6z'),
  line(16, dot(8, 8, 6) + dot(8, 8, 2.5), 1.3),
  line(12, 'M1.5 1.5l4 4M5.5 1.5l-4 4M7.5 7.5l4 4M11.5 7.5l-4 4', 1.4),
]

/** Background and ink; those of one continent differ. */
const colours: readonly (readonly [tint: string, ink: string])[] = [
  ['#d3e5f6', '#1f5f99'],
  ['#fde2c4', '#b35900'],
  ['#d5efcf', '#2c7a33'],
  ['#f9d3d1', '#b02a2a'],
  ['#e5daf2', '#6a3d9a'],
  ['#c9ece8', '#0f766e'],
  ['#faf0b5', '#8a6d00'],
  ['#fad6e6', '#b0256f'],
  ['#e8dac7', '#6b4423'],
  ['#d8ddf6', '#3c47a8'],
  ['#e6f1b9', '#5d7a00'],
  ['#dbe2e8', '#44566b'],
]

/** A multiple of every motif's size. */
const sharedTile = 48

/** The pattern of a Region: always the same one, so that maps can be compared. */
function regionPattern(region: string, id: string): string {
  const at = Math.max(
    0,
    catalogue.findIndex((row) => row.region === region),
  )
  const { size, path, width } = motifs[at % motifs.length] ?? filled(8, '')
  const [tint, ink] = colours[at % colours.length] ?? ['#fff', '#000']
  const drawn =
    width === undefined
      ? `<path d="${path}" fill="${ink}"/>`
      : `<path d="${path}" fill="none" stroke="${ink}" stroke-width="${width}"/>`
  return pattern(id, size, `<path d="M0 0h${size}v${size}H0z" fill="${tint}"/>${drawn}`)
}

/** Patterns of the areas by their names, as `<pattern>` elements; no two are drawn alike. */
export function patternsOf(areas: ReadonlyMap<string, Area>): {
  readonly ids: ReadonlyMap<string, string>
  readonly patterns: readonly string[]
} {
  const ids = new Map<string, string>()
  const patterns: string[] = []
  const idOfRegion = (region: string) => {
    const id = `area-${region}`
    if (!ids.has(region)) patterns.push(regionPattern(region, id))
    ids.set(region, id)
    return id
  }
  for (const [name, area] of areas) {
    switch (area.kind) {
      case 'region':
        idOfRegion(area.region)
        break
      case 'shared': {
        const id = `area-shared-${ids.size + 1}`
        const bands = area.shares.map((it) => ({ id: idOfRegion(it.region), share: it.share }))
        patterns.push(sharedPattern(id, bands))
        ids.set(name, id)
        break
      }
      case 'none':
        ids.set(name, 'area-none')
        patterns.push(
          pattern(
            'area-none',
            8,
            '<path d="M0 0h8v8H0z" fill="#fff"/><path d="M0 0l8 8M8 0L0 8" stroke="#555" stroke-width=".8"/>',
          ),
        )
    }
  }
  return { ids, patterns }
}

/** Bands as high as the regions' shares. */
function sharedPattern(id: string, bands: readonly { id: string; share: number }[]): string {
  let top = 0
  const drawn = bands.map((band) => {
    const y = top
    top += band.share * sharedTile
    const height = (top - y).toFixed(1)
    return `<path d="M0 ${y.toFixed(1)}h${sharedTile}v${height}H0z" fill="url(#${band.id})"/><path d="M0 ${y.toFixed(1)}h${sharedTile}" stroke="#222" stroke-width="1.2"/>`
  })
  return pattern(id, sharedTile, drawn.join(''))
}

function pattern(id: string, size: number, content: string): string {
  return `<pattern id="${id}" width="${size}" height="${size}" patternUnits="userSpaceOnUse">${content}</pattern>`
}

import type { GeoProjection } from 'd3-geo'
import { findRegion } from '../../../../regions/catalogue.ts'
import type { SimulationReport } from '../simulate.ts'
import type { Area } from './catchments.ts'
import { percent, regionsOf } from './legend.ts'
import { type Box, placeLabels } from './place-labels.ts'
import { type Line, round } from './planar.ts'
import { cellsOf } from './shape-cells.ts'
import { text, widthOf } from './svg-text.ts'

const fontSize = 13
const height = 20
const padding = 6
/** Pixels: how exactly land under a label is measured, and how far each such cell drives it away. */
const landCell = 8
const awayFromLand = 2.5

/** The regions that get devices, and those that are down, with their names and shares. */
export function markers(
  { after, down }: SimulationReport,
  areas: ReadonlyMap<string, Area>,
  projection: GeoProjection,
  frame: Box,
  land: readonly Line[],
): string[] {
  const shares = new Map(after.regions.map((it) => [it.region, it.share]))
  const regions = [...new Set([...shares.keys(), ...regionsOf(areas), ...down])].flatMap(
    (region) => {
      const row = findRegion(region)
      const at = row && projection([row.lon, row.lat])
      if (!at) return []
      const fails = down.includes(region)
      const says = fails ? 'down' : percent(shares.get(region) ?? 0)
      const width = widthOf(`${region} ${says}`, fontSize) + 2 * padding
      return [{ region, says, fails, at: [round(at[0]), round(at[1])] as const, width, height }]
    },
  )
  const labels = placeLabels(regions, frame, hiddenLand(land))
  const leaders = labels.flatMap(({ leader }) => {
    if (leader === undefined) return []
    const [[x, y], [toX, toY]] = leader
    return [`M${x} ${y}L${round(toX)} ${round(toY)}`]
  })
  return [
    `<path d="${leaders.join('')}" fill="none" stroke="#fff" stroke-width="3"/>`,
    `<path d="${leaders.join('')}" fill="none" stroke="#111" stroke-width="1.2"/>`,
    ...regions.map(({ at: [x, y], fails }) =>
      fails
        ? `<path d="M${x - 5} ${y - 5}l10 10m0-10l-10 10" fill="none" stroke="#fff" stroke-width="5"/><path d="M${x - 5} ${y - 5}l10 10m0-10l-10 10" fill="none" stroke="#111" stroke-width="2.4"/>`
        : `<circle cx="${x}" cy="${y}" r="4.6" fill="#111" stroke="#fff" stroke-width="1.8"/>`,
    ),
    ...labels.flatMap((box, index) => {
      const it = regions[index]
      if (it === undefined) return []
      const [x, y] = [round(box.x), round(box.y)]
      return [
        `<rect x="${x}" y="${y}" width="${box.width}" height="${height}" rx="4" fill="#fff" stroke="#111" stroke-width=".8"/><text x="${x + box.width / 2}" y="${round(y + 14.5)}" font-size="${fontSize}" text-anchor="middle" fill="#111" textLength="${box.width - 2 * padding}" lengthAdjust="spacingAndGlyphs"><tspan font-weight="bold">${text(it.region)}</tspan> ${it.says}</text>`,
      ]
    }),
  ]
}

/** Labels belong on the sea, where there is one near: a catchment shouldn't be hidden. */
function hiddenLand(land: readonly Line[]): (box: Box) => number {
  const cells = new Set(cellsOf(land, landCell).map(([column, row]) => `${column} ${row}`))
  return ({ x, y, width, height: high }) => {
    let hidden = 0
    for (let column = Math.floor(x / landCell); column * landCell < x + width; column++) {
      for (let row = Math.floor(y / landCell); row * landCell < y + high; row++) {
        if (cells.has(`${column} ${row}`)) hidden++
      }
    }
    return hidden * awayFromLand
  }
}

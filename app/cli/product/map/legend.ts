import { findRegion } from '../../../../regions/catalogue.ts'
import type { SimulationReport } from '../simulate.ts'
import type { Area } from './catchments.ts'
import { text, widthOf } from './svg-text.ts'

const rowHeight = 27
const columns = 3
const fontSize = 14
const swatch = { width: 40, height: 19 }
const besideSwatch = 49

/**
 * What each pattern stands for: regions with their share of the devices and mean distance, those with a
 * place on the map but no device last; then what is no single region.
 */
export function legend(
  { after, enabledRegions, down }: SimulationReport,
  areas: ReadonlyMap<string, Area>,
  ids: ReadonlyMap<string, string>,
  { top, width, margin }: { top: number; width: number; margin: number },
): { readonly elements: readonly string[]; readonly bottom: number } {
  const shares = new Map(after.regions.map((it) => [it.region, it]))
  const regions = [...new Set([...shares.keys(), ...regionsOf(areas)])]
  const perColumn = Math.ceil(regions.length / columns)
  const columnWidth = (width - 2 * margin) / columns
  const [shareEnd, kmEnd] = [columnWidth - 118, columnWidth - 24]
  const elements: string[] = []
  regions.forEach((region, at) => {
    const it = shares.get(region)
    const x = margin + Math.floor(at / perColumn) * columnWidth
    const y = top + rowHeight * (1 + (at % perColumn))
    const km = it?.meanKm === undefined ? '–' : `${Math.round(it.meanKm).toLocaleString('en')} km`
    if (at % perColumn === 0) {
      elements.push(
        `<g font-size="12" fill="#444"><text x="${x + besideSwatch}" y="${top + 20}">region</text><text x="${x + shareEnd}" y="${top + 20}" text-anchor="end">share</text><text x="${x + kmEnd}" y="${top + 20}" text-anchor="end">mean distance</text></g>`,
      )
    }
    elements.push(
      sample(ids.get(region), x, y, swatch.width),
      words(
        x + besideSwatch,
        y,
        `<tspan font-weight="bold">${text(region)}</tspan> <tspan fill="#444" font-size="13">${text(cityOf(region))}</tspan>`,
      ),
      words(x + shareEnd, y, percent(it?.share ?? 0), ' text-anchor="end"'),
      words(x + kmEnd, y, km, ' text-anchor="end"'),
    )
  })
  let y = top + rowHeight * (1 + perColumn)
  for (const area of areas.values()) {
    if (area.kind !== 'shared') continue
    let x = margin
    for (const { region, share } of area.shares) {
      elements.push(sample(ids.get(region), x, y, share * swatch.width))
      x += share * swatch.width
    }
    const parts = area.shares.map(({ region, share }) => `${text(region)} ${percent(share)}`)
    elements.push(words(margin + besideSwatch, y, `shared by thing name: ${parts.join(', ')}`))
    y += rowHeight
  }
  if (areas.has('none')) {
    const nowhere = after.unplaced.reduce((sum, it) => sum + it.share, 0)
    elements.push(
      sample(ids.get('none'), margin, y, swatch.width),
      words(
        margin + besideSwatch,
        y,
        `<tspan font-weight="bold">no region</tspan> ${percent(nowhere)}: nothing that the policy allows here can be used`,
      ),
    )
    y += rowHeight
  }
  const unused = enabledRegions.filter((it) => !regions.includes(it) && !down.includes(it))
  if (unused.length > 0) {
    const all = `enabled, without a catchment or a device (0 %): ${unused.join(', ')}`
    for (const line of wrap(all, width - 2 * margin)) {
      elements.push(words(margin, y, text(line)))
      y += 20
    }
  }
  return { elements: ['<g fill="#111">', ...elements, '</g>'], bottom: y }
}

/** The regions that something on the map leads to. */
export function regionsOf(areas: ReadonlyMap<string, Area>): string[] {
  return [...areas.values()].flatMap((area) => {
    if (area.kind === 'shared') return area.shares.map((it) => it.region)
    return area.kind === 'region' ? [area.region] : []
  })
}

/** What the region is known by, without its data centres' town. */
function cityOf(region: string): string {
  return findRegion(region)?.city.replace(/ \(.*/, '') ?? ''
}

/** Of all devices, as markup; what is too little to be shown isn't nothing. */
export function percent(share: number): string {
  if (share > 0 && share < 0.0005) return '&lt; 0.1 %'
  return `${(share * 100).toFixed(1)} %`
}

function sample(id: string | undefined, x: number, y: number, width: number): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${swatch.height}" fill="url(#${id})" stroke="#111" stroke-width=".8"/>`
}

function words(x: number, y: number, markup: string, more = ''): string {
  return `<text x="${x}" y="${y + 14}" font-size="${fontSize}"${more}>${markup}</text>`
}

function wrap(plain: string, width: number): string[] {
  const lines = ['']
  for (const word of plain.split(' ')) {
    const line = `${lines.at(-1) ?? ''} ${word}`.trim()
    if (widthOf(line, fontSize) > width) lines.push(word)
    else lines[lines.length - 1] = line
  }
  return lines
}

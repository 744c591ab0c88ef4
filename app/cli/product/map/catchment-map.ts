import { geoEqualEarth } from 'd3-geo'
import type { LoadedLocation } from '../../../../regions/load-location.ts'
import type { RegionPolicy } from '../../../../regions/region-policy.ts'
import type { SimulationReport } from '../simulate.ts'
import { type Area, type Catchments, findCatchments } from './catchments.ts'
import { legend } from './legend.ts'
import { patternsOf } from './looks.ts'
import { markers } from './markers.ts'
import { type Line, pathOf, round } from './planar.ts'
import { text } from './svg-text.ts'
import { loadWorld } from './world.ts'

export const mapWidth = 1200
const margin = 16
const mapTop = 84
const worldAtlas = 'Natural Earth (public domain), as world-atlas 2.0.2 has it'

/**
 * The world as one SVG: which region the devices of each place land in, the regions, and what came of
 * the simulation. Every area has a pattern, so that colour isn't needed.
 */
export async function drawCatchmentMap(
  report: SimulationReport & {
    readonly policy: RegionPolicy
    readonly data: Pick<LoadedLocation, 'attribution'>
  },
): Promise<string> {
  // Cut through the Bering Strait, where no country lies; Antarctica has no devices.
  const projection = geoEqualEarth().rotate([-11, 0])
  projection.precision(0.3).fitWidth(mapWidth - 2 * margin, {
    type: 'MultiPoint',
    coordinates: [
      [-168.9, 0],
      [190.9, 0],
      [11, 83.7],
      [11, -56],
    ],
  })
  const [x, y] = projection.translate()
  projection.translate([x + margin, y + mapTop])
  const mapBottom = Math.ceil(projection([11, -56])?.[1] ?? 0)

  const world = await loadWorld()
  const unavailable = new Map(report.down.map((region) => [region, 'down' as const]))
  const catchments = findCatchments(world, projection, { ...report, unavailable })
  const areas = withDevices(catchments.areas, report)
  const { ids, patterns } = patternsOf(areas)
  const below = legend(report, areas, ids, {
    top: mapBottom + 8,
    width: mapWidth,
    margin,
  })
  const frame = { x: 4, y: mapTop - 4, width: mapWidth - 8, height: mapBottom - mapTop + 8 }
  const footTop = below.bottom + 14
  const height = footTop + 44
  const title = `Where devices of ${report.product} land`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${mapWidth} ${height}" width="${mapWidth}" height="${height}" role="img" aria-labelledby="title desc" font-family="sans-serif">`,
    `<title id="title">${text(title)}</title>`,
    `<desc id="desc">${text(describe(report, areas))}</desc>`,
    `<defs>${patterns.join('\n')}${clips(catchments)}</defs>`,
    `<path d="M0 0h${mapWidth}v${height}H0z" fill="#fff"/>`,
    `<text x="${margin}" y="38" font-size="26" font-weight="bold" fill="#111">${text(title)}</text>`,
    `<text x="${margin}" y="63" font-size="15" fill="#333">${text(subtitle(report))}</text>`,
    `<path d="M0 ${mapTop - 8}h${mapWidth}v${mapBottom - mapTop + 16}H0z" fill="#eef3f7"/>`,
    ...land(catchments, ids),
    ...markers(report, areas, projection, frame, outlines(catchments)),
    ...below.elements,
    `<text x="${margin}" y="${footTop + 12}" font-size="12" fill="#444">Map: ${text(worldAtlas)}; areas are where an address of that place and country would land. Rules by network aren’t drawn.</text>`,
    `<text x="${margin}" y="${footTop + 30}" font-size="12" fill="#444">Locations: ${text(report.data.attribution)}</text>`,
    '</svg>\n',
  ].join('\n')
}

function land(catchments: Catchments, ids: ReadonlyMap<string, string>): string[] {
  const { whole, divided, boundaries, countryBorders } = catchments
  const fill = (name: string) => `url(#${ids.get(name)})`
  const inner = divided.map(({ areas, boundaries: lines }, at) => {
    const areasDrawn = [...areas].map(
      ([name, rings]) => `<path d="${pathOf(rings, true)}" fill="${fill(name)}"/>`,
    )
    return {
      areas: `<g clip-path="url(#country-${at})">${areasDrawn.join('')}</g>`,
      boundaries: `<g clip-path="url(#country-${at})"><path d="${pathOf(lines, false)}"/></g>`,
    }
  })
  return [
    `<g fill="#d9d9d9" fill-rule="evenodd" stroke="#777" stroke-width=".5" stroke-linejoin="round"><path d="${pathOf(outlines(catchments), true)}"/></g>`,
    '<g fill-rule="evenodd">',
    ...[...whole].map(([name, rings]) => `<path d="${pathOf(rings, true)}" fill="${fill(name)}"/>`),
    ...inner.map((it) => it.areas),
    '</g>',
    `<path d="${pathOf(countryBorders, false)}" fill="none" stroke="#fff" stroke-width=".9"/>`,
    ...(['stroke="#fff" stroke-width="3.4"', 'stroke="#111" stroke-width="1.4"'] as const).flatMap(
      (stroke) => [
        `<g fill="none" ${stroke} stroke-linejoin="round" stroke-linecap="round">`,
        `<path d="${pathOf(boundaries, false)}"/>`,
        ...inner.map((it) => it.boundaries),
        '</g>',
      ],
    ),
  ]
}

/** All land. */
function outlines({ whole, divided }: Catchments): Line[] {
  return [...whole.values(), ...divided.map((it) => it.outline)].flat()
}

/** A divided country's outline, which its areas reach beyond. */
function clips({ divided }: Catchments): string {
  return divided
    .map(
      ({ outline }, at) =>
        `<clipPath id="country-${at}"><path clip-rule="evenodd" d="${pathOf(outline, true)}"/></clipPath>`,
    )
    .join('\n')
}

/** Devices may land where no place on the map does: by rules that the map can't show. */
function withDevices(
  areas: ReadonlyMap<string, Area>,
  { after }: SimulationReport,
): ReadonlyMap<string, Area> {
  const all = new Map(areas)
  for (const { region } of after.regions) all.set(region, { kind: 'region', region })
  if (after.unplaced.length > 0) all.set('none', { kind: 'none' })
  return all
}

function subtitle({ after, from, locationSource, version, down }: SimulationReport): string {
  const devices = `${after.devices.toLocaleString('en')} ${from.kind === 'sample' ? 'random IPv4 addresses' : 'addresses'}`
  const failing = down.length === 0 ? '' : ` · down: ${down.join(', ')}`
  return `${version} · ${devices}, located by ${locationSource}${failing}`
}

function describe({ after }: SimulationReport, areas: ReadonlyMap<string, Area>): string {
  const shares = after.regions.map((it) => `${it.region} ${round(it.share * 100)} %`).join(', ')
  const none = areas.has('none') ? ' Some places lie in no catchment.' : ''
  return `A world map of the catchment of each region. Shares of the devices: ${shares}.${none}`
}

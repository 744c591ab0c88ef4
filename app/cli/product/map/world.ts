import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { feature } from 'topojson-client'
import type { GeometryCollection, MultiPolygon, Polygon, Topology } from 'topojson-specification'
import { findContinent } from '../../../../regions/continent.ts'
import { simplifyArcs } from './simplify-arcs.ts'

/** The land of one country code; without a code: land that the location data count to no country. */
export type Country = { readonly code: string | undefined; readonly shape: MultiPolygon }

/** Countries, with the arcs that they share in degrees. */
export type World = { readonly topology: Topology; readonly countries: readonly Country[] }

/** What is used of the package's file. */
type Countries = { readonly countries: GeometryCollection<{ readonly name?: string }> }

/** Degrees: a sixth of a pixel of the map. */
const tolerance = 0.05
/** Square degrees at the equator: smaller polygons would be a third of a pixel. */
const smallest = 0.03

/** Land that Natural Earth gives no number, by the name that it has there. */
const unnumbered: Readonly<Record<string, string>> = {
  Kosovo: 'XK',
  'N. Cyprus': 'CY',
  Somaliland: 'SO',
  'Indian Ocean Ter.': 'CX',
}

/** Parts of a country that have a code of their own in ISO 3166-1, by a place in or near them. */
const parts: readonly { of: string; code: string; lat: number; lon: number }[] = [
  { of: 'FR', code: 'GF', lat: 4, lon: -53 },
  { of: 'FR', code: 'GP', lat: 16.2, lon: -61.5 },
  { of: 'FR', code: 'MQ', lat: 14.6, lon: -61 },
  { of: 'FR', code: 'RE', lat: -21.1, lon: 55.5 },
  { of: 'NO', code: 'SJ', lat: 78.5, lon: 18 },
  { of: 'NO', code: 'SJ', lat: 71, lon: -8.5 },
]
/** Degrees from that place. */
const partReach = 7

/**
 * The world of Natural Earth at 1:50 million (package world-atlas), simplified for a map of the whole
 * of it, without Antarctica.
 */
export async function loadWorld(): Promise<World> {
  const file = createRequire(import.meta.url).resolve('world-atlas/countries-50m.json')
  // The package's own file, of an exact version: TopoJSON as its README says.
  const whole = JSON.parse(await readFile(file, 'utf8')) as Topology<Countries>
  const topology = simplifyArcs(whole, tolerance)
  const { countries } = topology.objects
  const shapes = new Map<string | undefined, MultiPolygon['arcs']>()
  for (const geometry of countries.geometries) {
    if (geometry.type !== 'Polygon' && geometry.type !== 'MultiPolygon') continue
    const country = codeOf(geometry.id, geometry.properties?.name ?? '')
    if (country === 'AQ') continue
    for (const arcs of geometry.type === 'Polygon' ? [geometry.arcs] : geometry.arcs) {
      const outline = outlineOf(topology, arcs)
      if (areaOf(outline) < smallest) continue
      const code = partOf(country, outline) ?? country
      shapes.set(code, [...(shapes.get(code) ?? []), withoutSmallHoles(topology, arcs)])
    }
  }
  return {
    topology,
    countries: [...shapes].map(([code, arcs]) => ({ code, shape: { type: 'MultiPolygon', arcs } })),
  }
}

/** CLDR knows the numbers of ISO 3166-1 as aliases of its letters. */
function codeOf(id: string | number | undefined, name: string): string | undefined {
  if (id === undefined) return unnumbered[name]
  const code = new Intl.Locale(`und-${String(id).padStart(3, '0')}`).region
  return code !== undefined && findContinent(code) !== undefined ? code : undefined
}

type Ring = readonly (readonly number[])[]

function outlineOf(topology: Topology, arcs: Polygon['arcs']): Ring {
  const polygon = feature(topology, { type: 'Polygon', arcs }).geometry
  return polygon.coordinates[0] ?? []
}

function withoutSmallHoles(topology: Topology, arcs: Polygon['arcs']): Polygon['arcs'] {
  return arcs.filter((ring, at) => at === 0 || areaOf(outlineOf(topology, [ring])) >= smallest)
}

function partOf(country: string | undefined, outline: Ring): string | undefined {
  const [lon = 0, lat = 0] = outline[0] ?? []
  const near = parts
    .filter((it) => it.of === country)
    .map((it) => ({ code: it.code, away: Math.hypot(lon - it.lon, lat - it.lat) }))
    .sort((a, b) => a.away - b.away)[0]
  return near !== undefined && near.away < partReach ? near.code : undefined
}

/** In square degrees at the equator; of a ring over the antimeridian too much, which is no harm. */
function areaOf(ring: Ring): number {
  let area = 0
  let middle = 0
  ring.forEach(([x = 0, y = 0], at) => {
    const [x0 = x, y0 = y] = ring[at - 1] ?? []
    area += x0 * y - x * y0
    middle += y / ring.length
  })
  return (Math.abs(area) / 2) * Math.cos((middle * Math.PI) / 180)
}

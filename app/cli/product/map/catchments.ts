import type { GeoProjection } from 'd3-geo'
import { merge, mesh, neighbors } from 'topojson-client'
import type { MultiPolygon } from 'topojson-specification'
import type { Unavailable } from '../../../../regions/candidates.ts'
import { findContinent } from '../../../../regions/continent.ts'
import { type NoPlacement, type Placement, place } from '../../../../regions/placement.ts'
import type { RegionPolicy } from '../../../../regions/region-policy.ts'
import { getOrAdd } from '../../../products/simulation.ts'
import { type Line, projectLines } from './planar.ts'
import { traceAreas } from './trace-areas.ts'
import type { Country, World } from './world.ts'

/** Where the devices of a place land: in one region, in several by their thing names, or nowhere. */
export type Area =
  | { readonly kind: 'region'; readonly region: string }
  | { readonly kind: 'shared'; readonly shares: readonly { region: string; share: number }[] }
  | { readonly kind: 'none' }

/** What decides for a device on the map. Rules by address see none. */
export type MapSetting = {
  readonly policy: RegionPolicy
  readonly enabledRegions: readonly string[]
  readonly unavailable: Unavailable
  readonly attributes: Readonly<Record<string, string>>
}

/** A country that several catchments share; `outline` has to clip the areas and boundaries. */
export type DividedCountry = {
  readonly outline: readonly Line[]
  readonly areas: ReadonlyMap<string, readonly Line[]>
  readonly boundaries: readonly Line[]
}

export type Catchments = {
  /** By name, in alphabetical order. */
  readonly areas: ReadonlyMap<string, Area>
  /** Countries that lie in one area as a whole, dissolved. */
  readonly whole: ReadonlyMap<string, readonly Line[]>
  readonly divided: readonly DividedCountry[]
  /** Between catchments, where that is a country's border. */
  readonly boundaries: readonly Line[]
  readonly countryBorders: readonly Line[]
}

/** Pixels between two places that are tried; boundaries are found more exactly. */
const cell = 3

/** Places a device everywhere on land, as one of that country. */
export function findCatchments(
  { topology, countries }: World,
  projection: GeoProjection,
  setting: MapSetting,
): Catchments {
  const areas = new Map<string, Area>()
  const nameAt = (lon: number, lat: number, code: string | undefined) => {
    const area = areaAt(setting, lon, lat, code)
    const name = nameOf(area)
    getOrAdd(areas, name, () => area)
    return name
  }
  const whole = new Map<string, MultiPolygon[]>()
  const divided: DividedCountry[] = []
  const nameOfWhole = new Map<Country, string>()
  for (const country of countries) {
    const { code, shape } = country
    const outline = projectLines(projection, merge(topology, [shape]))
    const traced = traceAreas(outline, cell, (x, y) => {
      const [lon, lat] = projection.invert?.([x, y]) ?? []
      return nameAt(clamp(lon, 180), clamp(lat, 90), code)
    })
    const [name, ...others] = traced.areas.keys()
    if (name !== undefined && others.length === 0) {
      getOrAdd(whole, name, () => []).push(shape)
      nameOfWhole.set(country, name)
    } else if (name !== undefined) divided.push({ outline, ...traced })
  }
  const shapes = countries.map((it) => it.shape)
  const all = { type: 'GeometryCollection' as const, geometries: shapes }
  const boundaries: Line[] = []
  neighbors(shapes).forEach((others, at) => {
    const here = countries[at]
    for (const other of others) {
      const there = countries[other]
      // Each pair once; two that lie in the same catchment as a whole have no boundary.
      if (here === undefined || there === undefined || other < at) continue
      const known = nameOfWhole.get(here)
      if (known !== undefined && known === nameOfWhole.get(there)) continue
      const pair = [here.shape, there.shape]
      const border = mesh(
        topology,
        { type: 'GeometryCollection', geometries: pair },
        (a, b) => a !== b,
      )
      const pieces = border.coordinates.flatMap((line) =>
        differingPieces(line, ([lon = 0, lat = 0]) => {
          return nameAt(lon, lat, here.code) !== nameAt(lon, lat, there.code)
        }),
      )
      if (pieces.length > 0) {
        boundaries.push(
          ...projectLines(projection, { type: 'MultiLineString', coordinates: pieces }),
        )
      }
    }
  })
  return {
    areas: new Map([...areas].sort(([a], [b]) => (a < b ? -1 : 1))),
    whole: new Map(
      [...whole].map(([name, some]) => [name, projectLines(projection, merge(topology, some))]),
    ),
    divided,
    boundaries,
    countryBorders: projectLines(
      projection,
      mesh(topology, all, (a, b) => a !== b),
    ),
  }
}

function areaAt(
  { policy, enabledRegions, unavailable, attributes }: MapSetting,
  lon: number,
  lat: number,
  country: string | undefined,
): Area {
  const continent = country === undefined ? undefined : findContinent(country)
  const placement = place({
    policy,
    enabledRegions,
    attributes,
    unavailable,
    location: { lat, lon, country, continent },
    thingName: '',
  })
  return areaOf(placement)
}

/** Of a weighted choice every region counts, as the thing name decides. */
function areaOf(placement: Placement | NoPlacement): Area {
  if (placement.region === undefined) return { kind: 'none' }
  if (placement.basis !== 'weighted' || placement.candidates.length < 2) {
    return { kind: 'region', region: placement.region }
  }
  const shares = placement.candidates
    .map(({ region, share = 0 }) => ({ region, share }))
    .sort((a, b) => b.share - a.share || (a.region < b.region ? -1 : 1))
  return { kind: 'shared', shares }
}

function nameOf(area: Area): string {
  switch (area.kind) {
    case 'region':
      return area.region
    case 'shared':
      return `shared ${area.shares.map(({ region, share }) => `${region} ${share.toFixed(3)}`).join(' ')}`
    case 'none':
      return 'none'
  }
}

/** The runs of a line's pieces whose middles are of the wanted kind. */
function differingPieces(
  line: readonly number[][],
  differs: (middle: readonly number[]) => boolean,
): number[][][] {
  const runs: number[][][] = []
  let run: number[][] = []
  line.forEach((to, at) => {
    const from = line[at - 1]
    if (from === undefined) return
    const middle = [0, 1].map((axis) => ((from[axis] ?? 0) + (to[axis] ?? 0)) / 2)
    if (!differs(middle)) run = []
    else {
      if (run.length === 0) {
        run = [from]
        runs.push(run)
      }
      run.push(to)
    }
  })
  return runs
}

function clamp(value: number | undefined, most: number): number {
  return Math.max(-most, Math.min(most, value ?? 0)) || 0
}

import { countryCodes } from '../../../regions/continent.ts'
import type { Confidence } from '../../../regions/location.ts'
import { confidences } from '../../../regions/location-table-format.ts'

/** A tenth of a degree: about 11 km. */
const cellsPerDegree = 10
const lonCells = 361 * cellsPerDegree
const countryIndexes = new Map(countryCodes.map((country, index) => [country, index]))

/** What a source says of a range. */
export type SourcePlace = {
  readonly lat: number
  readonly lon: number
  readonly country: string
  readonly confidence: Confidence
}

/** Sums of what was put in, and indexes of country and confidence. */
type Row = { lat: number; lon: number; count: number; country: number; trust: number }

export type PlaceColumns = {
  readonly lats: Int16Array
  readonly lons: Int16Array
  readonly countries: Uint8Array
  readonly confidences: Uint8Array
}

/**
 * Numbers places from 1; 0 is "unknown". Places of one cell of 0.1 degree, one country and one
 * confidence are one: the mean of what was put in.
 */
export class PlaceList {
  readonly #ids = new Map<number, number>()
  readonly #rows: Row[] = []

  /** The number of a place; 0 for `[0,0]`, for what is off the globe and for no country. */
  idOf({ lat, lon, country, confidence }: SourcePlace): number {
    const index = countryIndexes.get(country)
    const onGlobe = Math.abs(lat) <= 90 && Math.abs(lon) <= 180
    if (index === undefined || !onGlobe || (lat === 0 && lon === 0)) return 0
    const trust = confidences.indexOf(confidence)
    const cell =
      Math.round((lat + 90) * cellsPerDegree) * lonCells + Math.round((lon + 180) * cellsPerDegree)
    const key = (cell * 256 + index) * confidences.length + trust
    const known = this.#ids.get(key)
    if (known !== undefined) {
      const row = this.#rows[known - 1]
      if (row !== undefined) {
        row.lat += lat
        row.lon += lon
        row.count++
      }
      return known
    }
    this.#rows.push({ lat, lon, count: 1, country: index, trust })
    this.#ids.set(key, this.#rows.length)
    return this.#rows.length
  }

  /** How many there are, 0 among them. */
  get size(): number {
    return this.#rows.length + 1
  }

  /** Where a place lies, in degrees; for comparing places of two lists. */
  at(id: number): SourcePlace | undefined {
    const row = this.#rows[id - 1]
    if (row === undefined) return undefined
    return {
      lat: row.lat / row.count,
      lon: row.lon / row.count,
      country: countryCodes[row.country] ?? '',
      confidence: confidences[row.trust] ?? 'low',
    }
  }

  columns(): PlaceColumns {
    const column = (of: (row: Row) => number) => [0, ...this.#rows.map(of)]
    return {
      lats: Int16Array.from(column((row) => Math.round((row.lat / row.count) * 100))),
      lons: Int16Array.from(column((row) => Math.round((row.lon / row.count) * 100))),
      countries: Uint8Array.from(column((row) => row.country)),
      confidences: Uint8Array.from(column((row) => row.trust)),
    }
  }
}

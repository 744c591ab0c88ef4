import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { buildTable, settleRanges } from '../../../../app/cli/geo/build-table.ts'
import { assertFresh } from '../../../../app/cli/geo/data-age.ts'
import { readGeoipLite } from '../../../../app/cli/geo/geoip-lite-ranges.ts'
import { joinPlaces, joinSources } from '../../../../app/cli/geo/join-sources.ts'
import { addressText } from '../../../../app/cli/geo/mmdb-ranges.ts'
import { PlaceList, type SourcePlace } from '../../../../app/cli/geo/place-list.ts'
import { distanceKm } from '../../../../regions/distance.ts'
import { geoipLiteFolder, loadGeoipLite } from '../../../../regions/geoip-lite-location.ts'
import { openLocationTable } from '../../../../regions/location-table.ts'
import { dublin, kansas, rangesOf, tokyo } from './tiny-table.ts'

const cork: SourcePlace = { lat: 51.9, lon: -8.47, country: 'IE', confidence: 'normal' }
const ireland: SourcePlace = { lat: 53, lon: -8, country: 'IE', confidence: 'low' }
const boston: SourcePlace = { lat: 42.36, lon: -71.06, country: 'US', confidence: 'normal' }

describe('two sources together', () => {
  it('have high confidence where they agree', () => {
    expect(joinPlaces(dublin, cork)).toEqual({ ...dublin, confidence: 'high' })
    expect(joinPlaces(ireland, dublin)).toEqual({ ...dublin, confidence: 'high' })
  })

  it('have low confidence where they contradict each other', () => {
    expect(joinPlaces(dublin, tokyo)).toEqual({ ...dublin, confidence: 'low' })
    expect(joinPlaces(kansas, tokyo)).toEqual({ ...tokyo, confidence: 'low' })
  })

  it('trust a city more than the middle of its country', () => {
    expect(joinPlaces(kansas, boston)).toEqual({ ...boston, confidence: 'normal' })
    expect(joinPlaces(boston, kansas)).toEqual({ ...boston, confidence: 'normal' })
  })

  it('say what one of them says where the other knows nothing', () => {
    expect(joinPlaces(undefined, dublin)).toEqual(dublin)
    expect(joinPlaces(kansas, undefined)).toEqual(kansas)
    expect(joinPlaces(undefined, undefined)).toBe(undefined)
  })

  it('are cut where either of them is', () => {
    const sourced = (rows: Parameters<typeof rangesOf>[0]) => {
      const places = new PlaceList()
      return { partition: settleRanges(4, rangesOf(rows, places)), places }
    }
    const joined = new PlaceList()
    const { starts, places } = joinSources(
      sourced([['8.0.0.0', '8.0.0.255', dublin]]),
      sourced([
        ['8.0.0.128', '8.0.0.255', cork],
        ['8.0.1.0', '8.0.1.255', tokyo],
      ]),
      joined,
    )
    const rows = Array.from(places, (place, row) => [
      starts[row]?.toString(16),
      joined.at(place)?.country,
      joined.at(place)?.confidence,
    ])
    expect(rows).toEqual([
      ['8000000', 'IE', 'normal'],
      ['8000080', 'IE', 'high'],
      ['8000100', 'JP', 'high'],
      ['8000200', undefined, undefined],
    ])
  })
})

describe('assertFresh', () => {
  const now = Date.parse('2026-11-22T19:00:00Z')
  const limit = { maxAgeMonths: 12, allowStale: false }

  it('refuses data that are older than so many calendar months', () => {
    expect(() => assertFresh('2025-11-22', limit, now)).not.toThrow()
    expect(() => assertFresh('2025-11-21', limit, now)).toThrow(
      'the data are of 2025-11-21, more than 12 months old',
    )
    expect(() => assertFresh('2026-10-21', { ...limit, maxAgeMonths: 1 }, now)).toThrow()
    expect(() => assertFresh('no day', limit, now)).toThrow()
  })

  it('takes any where that was asked for', () => {
    expect(() => assertFresh('2019-08-28', { ...limit, allowStale: true }, now)).not.toThrow()
  })
})

describe('geoip-lite’s own files', () => {
  it('give the positions that geoip-lite gives', async () => {
    const open = (name: string) => readFile(join(geoipLiteFolder(), name))
    const names = await open('geoip-city-names.dat')
    // A part of the rows: all of them take seconds.
    const rows4 = (await open('geoip-city.dat')).subarray(24 * 1_000_000, 24 * 1_030_000)
    const rows6 = (await open('geoip-city6.dat')).subarray(48 * 100_000, 48 * 130_000)
    const places = new PlaceList()
    const v4 = settleRanges(4, readGeoipLite({ rows: rows4, names }, 4, places))
    const v6 = settleRanges(6, readGeoipLite({ rows: rows6, names }, 6, places))
    const about = { source: 'geoip-lite', date: '2019-08-28', packages: '', attribution: '' }
    const bytes = Uint8Array.from(Buffer.concat(buildTable({ ...about, places, v4, v6 })))
    const table = openLocationTable(bytes, 'compiled')
    const geoipLite = await loadGeoipLite()
    const same = (text: string): number => {
      const exact = geoipLite.locate(text)
      const compiled = table.locate(text)
      const { country, confidence } = compiled ?? {}
      expect({ text, country, confidence }).toEqual({
        text,
        country: exact?.country,
        confidence: exact?.confidence,
      })
      if (exact === undefined || compiled === undefined) return 0
      expect(distanceKm(exact, compiled), text).toBeLessThan(16)
      return 1
    }
    let found = 0
    for (let row = 0; row < 30_000; row += 10) {
      found += same(addressText(4, 0, rows4.readUInt32BE(row * 24 + 4)))
    }
    expect(found).toBeGreaterThan(2900)
    expect(v6.starts.length).toBeGreaterThan(10_000)
    for (let row = 0; row < v6.starts.length; row += 10) {
      const key = v6.starts[row] ?? 0n
      // A gap may be one of the part only.
      if (v6.places[row] === 0) continue
      found += same(addressText(6, Number(key >> 32n), Number(key & 0xffff_ffffn)))
    }
    expect(found).toBeGreaterThan(2900 + 1000)
  })

  it('are refused where they are of another kind', () => {
    const files = { rows: Buffer.alloc(10), names: Buffer.alloc(88) }
    expect(() => readGeoipLite(files, 4, new PlaceList())).toThrow(/city files are not there/)
  })
})

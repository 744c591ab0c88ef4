import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Area } from '../../../../app/cli/product/map/catchments.ts'
import { patternsOf } from '../../../../app/cli/product/map/looks.ts'
import { overlap, placeLabels } from '../../../../app/cli/product/map/place-labels.ts'
import type { Line } from '../../../../app/cli/product/map/planar.ts'
import { traceAreas } from '../../../../app/cli/product/map/trace-areas.ts'
import { loadWorld } from '../../../../app/cli/product/map/world.ts'
import { catalogue } from '../../../../regions/catalogue.ts'
import { countryCodes } from '../../../../regions/continent.ts'

const square: Line = [
  [10, 10],
  [110, 10],
  [110, 90],
  [10, 90],
]

/** Of rings whose holes turn the other way. */
function areaOf(rings: readonly Line[]): number {
  const doubled = rings.map((ring) =>
    ring.reduce((sum, [x, y], at) => {
      const [x0, y0] = ring[(at + ring.length - 1) % ring.length] ?? [x, y]
      return sum + x0 * y - x * y0
    }, 0),
  )
  return Math.abs(doubled.reduce((sum, it) => sum + it, 0)) / 2
}

describe('traced areas', () => {
  it('meet where the name changes, as exactly as the map is drawn', () => {
    const { areas, boundaries } = traceAreas([square], 5, (x) => (x < 47.3 ? 'west' : 'east'))
    expect([...areas.keys()].sort()).toEqual(['east', 'west'])
    const places = boundaries.flat().map(([x]) => x)
    expect(places.length).toBeGreaterThan(0)
    for (const x of places) expect(Math.abs(x - 47.3)).toBeLessThan(0.11)
  })

  it('cover the shape without gap or overlap, however many meet', () => {
    const sites = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 0, max: 100 })),
      { minLength: 1, maxLength: 6 },
    )
    fc.assert(
      fc.property(sites, (all) => {
        const nearest = (x: number, y: number) => {
          const far = all.map(([sx, sy]) => Math.hypot(x - sx, y - sy))
          return String(far.indexOf(Math.min(...far)))
        }
        const whole = traceAreas([square], 5, () => 'all').areas.get('all') ?? []
        const { areas } = traceAreas([square], 5, nearest)
        const sum = [...areas.values()].reduce((total, rings) => total + areaOf(rings), 0)
        expect(Math.abs(sum - areaOf(whole))).toBeLessThan(areaOf(whole) / 1000)
      }),
      { numRuns: 50 },
    )
  })
})

describe('labels', () => {
  it('of all Regions find room beside each other, within the frame', () => {
    const frame = { x: 0, y: 0, width: 1200, height: 560 }
    const wishes = catalogue.map(({ lat, lon }) => ({
      at: [(lon + 180) * 3.33, (85 - lat) * 3.8] as const,
      width: 130,
      height: 20,
    }))
    const labels = placeLabels(wishes, frame, () => 0)
    expect(labels).toHaveLength(catalogue.length)
    labels.forEach((label, at) => {
      expect(label.x).toBeGreaterThanOrEqual(frame.x)
      expect(label.x + label.width).toBeLessThanOrEqual(frame.width)
      for (const other of labels.slice(at + 1)) expect(overlap(label, other, 0)).toBe(false)
      for (const {
        at: [x, y],
      } of wishes) {
        expect(overlap(label, { x: x - 4, y: y - 4, width: 8, height: 8 }, 0)).toBe(false)
      }
    })
  })
})

describe('patterns', () => {
  it('differ for any two Regions without their colours, and from that of no region', () => {
    const areas = new Map<string, Area>([
      ...catalogue.map(({ region }) => [region, { kind: 'region', region }] as const),
      ['none', { kind: 'none' }] as const,
    ])
    const { patterns, ids } = patternsOf(areas)
    expect(patterns).toHaveLength(catalogue.length + 1)
    const drawings = patterns.map((it) =>
      it.replace(/ id="[^"]*"/, '').replaceAll(/#[0-9a-f]{3,6}/g, ''),
    )
    expect(new Set(drawings).size).toBe(patterns.length)
    expect(new Set(ids.values()).size).toBe(areas.size)
  })
})

describe('the world', () => {
  it('has its countries by the codes of the location data, overseas parts by their own', async () => {
    const { countries } = await loadWorld()
    const codes = countries.flatMap((it) => it.code ?? [])
    expect(new Set(codes).size).toBe(codes.length)
    expect(codes.filter((code) => !countryCodes.includes(code))).toEqual([])
    expect(codes.length).toBeGreaterThan(180)
    expect(codes).toEqual(
      expect.arrayContaining(['DE', 'IN', 'XK', 'SO', 'TW', 'GF', 'GP', 'MQ', 'RE', 'SJ']),
    )
    expect(codes).not.toContain('AQ')
  })
})

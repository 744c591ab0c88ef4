import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sampleAddresses } from '../../../app/cli/product/sample-addresses.ts'
import { startMoves } from '../../../app/products/simulated-moves.ts'
import { startSimulation } from '../../../app/products/simulation.ts'
import { place } from '../../../regions/placement.ts'
import { type RegionPolicy, regionPolicySchema } from '../../../regions/region-policy.ts'

const regions = ['eu-west-1', 'eu-central-1', 'us-east-1', 'ap-south-1']
const countries = ['DE', 'IN', 'US', 'BR']

const policies = fc
  .record({
    strictCountry: fc.constantFrom(...countries),
    ruleRegion: fc.constantFrom(...regions, 'sa-east-1'),
    weights: fc.option(
      fc.dictionary(fc.constantFrom(...regions), fc.integer({ min: 1, max: 9 }), { minKeys: 1 }),
    ),
  })
  .map(({ strictCountry, ruleRegion, weights }) =>
    regionPolicySchema.parse({
      defaultRegion: 'us-east-1',
      rules: [
        {
          match: { countries: [strictCountry] },
          regions: [ruleRegion],
          strict: true,
          strategy: 'nearest',
        },
      ],
      ...(weights === null ? {} : { strategy: 'weighted', weights }),
    }),
  )
const locations = fc.option(
  fc.record({
    lat: fc.integer({ min: -90, max: 90 }),
    lon: fc.integer({ min: -180, max: 180 }),
    country: fc.constantFrom(...countries),
  }),
  { nil: undefined },
)

function compare(
  [policyBefore, policyAfter]: readonly [RegionPolicy, RegionPolicy],
  places: readonly ({ lat: number; lon: number; country: string } | undefined)[],
) {
  const [before, after, moves] = [startSimulation(), startSimulation(), startMoves()]
  places.forEach((location, at) => {
    const device = { thing: `device-${at}`, address: '192.0.2.1', location }
    const input = { enabledRegions: regions, location, thingName: device.thing }
    const was = place({ ...input, policy: policyBefore })
    const is = place({ ...input, policy: policyAfter })
    before.add(device, was)
    after.add(device, is)
    moves.add(device, was, is)
  })
  return { before: before.result(), after: after.result(), moves: moves.result() }
}

describe('a simulation', () => {
  it('accounts for every device: by region, by country, and by what moves', () => {
    fc.assert(
      fc.property(
        fc.tuple(policies, policies),
        fc.array(locations, { minLength: 1, maxLength: 60 }),
        (versions, places) => {
          const { before, after, moves } = compare(versions, places)
          for (const { devices, regions: shares, unplaced, countries: by } of [before, after]) {
            expect(devices).toBe(places.length)
            const all = [...shares, ...unplaced]
            expect(all.reduce((sum, it) => sum + it.devices, 0)).toBe(devices)
            expect(all.reduce((sum, it) => sum + it.share, 0)).toBeCloseTo(1, 9)
            expect(by.reduce((sum, it) => sum + it.devices, 0)).toBe(devices)
            for (const it of by) {
              const placed = it.regions.reduce((sum, { devices: some }) => sum + some, 0)
              expect(placed + it.unplaced).toBe(it.devices)
            }
          }
          for (const region of regions) {
            const [was, is] = [before, after].map(
              (it) => it.regions.find((row) => row.region === region)?.devices ?? 0,
            )
            const [into, from] = (['to', 'from'] as const).map((end) =>
              moves.routes
                .filter((route) => route[end] === region)
                .reduce((sum, route) => sum + route.devices, 0),
            )
            expect((is ?? 0) - (was ?? 0)).toBe((into ?? 0) - (from ?? 0))
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('measures distances where a position is known, and names whom a strict rule leaves out', () => {
    const strict = regionPolicySchema.parse({
      defaultRegion: 'us-east-1',
      rules: [
        { name: 'Brazil', match: { countries: ['BR'] }, regions: ['sa-east-1'], strict: true },
      ],
    })
    const free = regionPolicySchema.parse({ defaultRegion: 'us-east-1' })
    const { after, moves } = compare(
      [free, strict],
      [
        { lat: 53.35, lon: -6.26, country: 'IE' },
        { lat: 52.35, lon: -6.26, country: 'IE' },
        { lat: -23.5, lon: -46.6, country: 'BR' },
        undefined,
      ],
    )
    expect(after.unlocated).toBe(1)
    expect(after.regions).toMatchObject([
      { region: 'eu-west-1', devices: 2, share: 0.5 },
      { region: 'us-east-1', devices: 1, share: 0.25 },
    ])
    // A degree of latitude is 111 km; the first is in Dublin itself.
    expect(after.regions[0]?.meanKm).toBeCloseTo(55.6, 1)
    expect(after.regions[1]).not.toHaveProperty('meanKm')
    expect(after.unplaced).toMatchObject([
      {
        rule: { name: 'Brazil', strict: true },
        refusal: 'not-enabled',
        devices: 1,
        share: 0.25,
        countries: [{ country: 'BR', devices: 1 }],
        example: { thing: 'device-2' },
      },
    ])
    expect(moves).toMatchObject({
      devices: 1,
      share: 0.25,
      routes: [{ from: 'us-east-1', to: null, devices: 1, example: { country: 'BR' } }],
    })
    expect(moves).not.toHaveProperty('meanChangeKm')
  })
})

describe('a sample', () => {
  const somewhere = {
    lat: 0,
    lon: 0,
    country: 'IE',
    continent: 'EU',
    confidence: 'normal',
    source: 'none',
    date: '2026-01-01',
  } as const
  /** Twice as many addresses begin with 100 or 101 as with 200. */
  const locate = (address: string) => (/^(?:10[01]|200)\./.test(address) ? somewhere : undefined)

  it('is the same for a seed, and another for another seed', () => {
    const first = [...sampleAddresses(locate, 50, 1)]
    expect([...sampleAddresses(locate, 50, 1)]).toEqual(first)
    expect([...sampleAddresses(locate, 50, 2)]).not.toEqual(first)
  })

  it('takes addresses that the data know, each with the same chance', () => {
    const sample = [...sampleAddresses(locate, 3000, 7)]
    expect(sample.every((it) => locate(it) !== undefined)).toBe(true)
    const share = sample.filter((it) => it.startsWith('200.')).length / sample.length
    expect(Math.abs(share - 1 / 3)).toBeLessThan(0.03)
  })

  it('refuses data that know next to nothing', () => {
    expect(() => [...sampleAddresses(() => undefined, 1, 1)]).toThrow(/too few addresses/)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { catalogue, findRegion } from '../../regions/catalogue.ts'
import { describePlacement } from '../../regions/describe-placement.ts'
import { distanceKm } from '../../regions/distance.ts'
import { type PlacementInput, place as placeThing } from '../../regions/placement.ts'
import { regionPolicySchema } from '../../regions/region-policy.ts'

/** Places a thing whose name and record don't matter. */
const place = (input: Omit<PlacementInput, 'thingName'>) =>
  placeThing({ thingName: 'lamp', ...input })

const everyRegion = catalogue.map((row) => row.region)
const policy = regionPolicySchema.parse({ defaultRegion: 'eu-west-1' })
const places = fc.record({
  lat: fc.double({ min: -90, max: 90, noNaN: true }),
  lon: fc.double({ min: -180, max: 180, noNaN: true }),
})
const someRegions = fc.subarray(everyRegion, { minLength: 1 })

describe('distanceKm', () => {
  it.each([
    ['Dublin to Frankfurt', { lat: 53.35, lon: -6.26 }, { lat: 50.11, lon: 8.68 }, 1088],
    ['Ashburn to Columbus', { lat: 39.04, lon: -77.49 }, { lat: 39.96, lon: -83.0 }, 484],
    [
      'Fiji to Samoa, across the antimeridian',
      { lat: -18, lon: 178 },
      { lat: -14, lon: -172 },
      1157,
    ],
    ['pole to pole', { lat: 90, lon: 0 }, { lat: -90, lon: 77 }, 20_015],
  ])('measures %s', (_, from, to, expected) => {
    expect(distanceKm(from, to)).toBeGreaterThan(expected * 0.995)
    expect(distanceKm(from, to)).toBeLessThan(expected * 1.005)
  })

  it('is symmetric, never negative and never more than half the way round', () => {
    fc.assert(
      fc.property(places, places, (a, b) => {
        const there = distanceKm(a, b)
        expect(there).toBeGreaterThanOrEqual(0)
        expect(there).toBeLessThanOrEqual(20_016)
        expect(Math.abs(there - distanceKm(b, a))).toBeLessThan(1e-6)
      }),
    )
  })
})

describe('place', () => {
  it('chooses the nearest enabled region, wherever the device is', () => {
    fc.assert(
      fc.property(places, someRegions, (location, enabledRegions) => {
        const placement = place({ policy, enabledRegions, location })
        const distances = enabledRegions.map((name) => {
          const row = findRegion(name)
          return row === undefined ? Number.NaN : distanceKm(location, row)
        })
        expect(placement).toMatchObject({ basis: 'nearest', distanceKm: Math.min(...distances) })
        expect(enabledRegions).toContain(placement.region)
      }),
    )
  })

  it('gives the same answer whatever the order of the regions', () => {
    fc.assert(
      fc.property(places, fc.shuffledSubarray(everyRegion, { minLength: 2 }), (location, some) => {
        const one = place({ policy, enabledRegions: some, location })
        const other = place({ policy, enabledRegions: [...some].reverse(), location })
        expect(other).toEqual(one)
      }),
    )
  })

  it('sends a device without a position to the default region and says so', () => {
    const placement = place({ policy, enabledRegions: everyRegion, location: undefined })
    expect(placement).toMatchObject({ region: 'eu-west-1', basis: 'default' })
    expect(describePlacement(placement)).toBe('default region: the address has no known position')
  })

  it('never leaves the allowed regions', () => {
    const bounded = regionPolicySchema.parse({
      defaultRegion: 'eu-west-1',
      allowedRegions: ['eu-west-1', 'eu-central-1'],
    })
    const tokyo = { lat: 35.68, lon: 139.69 }
    const placement = place({ policy: bounded, enabledRegions: everyRegion, location: tokyo })
    expect(placement.region).toBe('eu-central-1')
    expect(placement.candidates).toHaveLength(2)
  })

  it('puts a pinned device where the operator wants it, within what is allowed and enabled', () => {
    const dublin = { lat: 53.35, lon: -6.26 }
    const pinned = (pin: string, enabledRegions = everyRegion) =>
      place({ policy, enabledRegions, location: dublin, pin })
    expect(pinned('us-east-1')).toMatchObject({
      region: 'us-east-1',
      basis: 'pinned',
      distanceKm: expect.closeTo(5463, -1),
    })
    expect(pinned('us-east-1', ['eu-west-1'])).toMatchObject({
      region: undefined,
      refusal: 'not-enabled',
    })
    const nowhere = place({
      policy,
      enabledRegions: everyRegion,
      location: undefined,
      pin: 'us-east-1',
    })
    expect(nowhere).toEqual({
      region: 'us-east-1',
      basis: 'pinned',
      ruleLeft: false,
      candidates: [{ region: 'us-east-1' }],
      failover: [],
      skipped: [],
    })
  })

  it('places nothing where no allowed region is enabled, and says why', () => {
    const tokyo = { lat: 35.68, lon: 139.69 }
    const bounded = { ...policy, allowedRegions: ['eu-west-1'] as [string] }
    for (const location of [tokyo, undefined]) {
      const placement = place({ policy: bounded, enabledRegions: ['us-east-1'], location })
      expect(placement).toMatchObject({ region: undefined, refusal: 'not-enabled' })
      expect(describePlacement(placement)).toBe(
        'no region of the policy can be used: eu-west-1 (not enabled)',
      )
    }
  })

  it('goes by the distance from the default region where that is not enabled and no position known', () => {
    const enabledRegions = ['us-east-1', 'ap-northeast-1', 'eu-central-1']
    const placement = place({ policy, enabledRegions, location: undefined })
    expect(placement).toMatchObject({ region: 'eu-central-1', basis: 'near-default' })
    expect(placement).not.toHaveProperty('distanceKm')
    expect(describePlacement(placement)).toMatch(/^nearest to the default region: /)
  })

  it('tells the distance and the next best regions', () => {
    const dublin = { lat: 53.35, lon: -6.26 }
    const enabledRegions = ['eu-central-1', 'us-east-1', 'eu-west-1']
    const placement = place({ policy, enabledRegions, location: dublin })
    expect(describePlacement(placement)).toMatch(
      /^nearest: \d+ km, before eu-central-1 \d+ km, us-east-1 \d+ km$/,
    )
  })

  it('sends New York to N. Virginia, which the seed placed in Texas', () => {
    const newYork = { lat: 40.71, lon: -74.01 }
    const placement = place({ policy, enabledRegions: everyRegion, location: newYork })
    expect(placement.region).toBe('us-east-1')
  })
})

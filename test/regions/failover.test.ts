import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { catalogue } from '../../regions/catalogue.ts'
import { describePlacement } from '../../regions/describe-placement.ts'
import { failOver } from '../../regions/failover.ts'
import { type Placement, place } from '../../regions/placement.ts'
import { regionPolicySchema } from '../../regions/region-policy.ts'

const names = catalogue.map((row) => row.region)

/** A device anywhere, some regions enabled, and a policy that allows some failover. */
const placed = fc
  .record({
    lat: fc.double({ min: -90, max: 90, noNaN: true }),
    lon: fc.double({ min: -180, max: 180, noNaN: true }),
    known: fc.boolean(),
    enabledRegions: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 6 }),
    candidates: fc.integer({ min: 1, max: 4 }),
    maxExtraKm: fc.option(fc.integer({ min: 1, max: 20_000 }), { nil: undefined }),
  })
  .map(({ lat, lon, known, enabledRegions, candidates, maxExtraKm }) =>
    place({
      policy: regionPolicySchema.parse({
        defaultRegion: enabledRegions[0],
        failover: { candidates, ...(maxExtraKm === undefined ? {} : { maxExtraKm }) },
      }),
      enabledRegions,
      location: known ? { lat, lon } : undefined,
      thingName: 'device',
    }),
  )
  .filter((it): it is Placement => it.region !== undefined)

describe('failing over', () => {
  it('goes to the next candidate that the policy allows, and says what failed', () => {
    fc.assert(
      fc.property(placed, (placement) => {
        const next = failOver(placement)
        expect(next?.region).toBe(placement.failover[0])
        if (next === undefined) return
        expect(next.region).not.toBe(placement.region)
        expect(next.candidates[0]?.region).toBe(next.region)
        expect(next.distanceKm).toBe(next.candidates[0]?.distanceKm)
        expect(next.candidates.map((it) => it.region)).not.toContain(placement.region)
        expect(describePlacement(next)).toContain(`passed over ${placement.region} (failed)`)
      }),
    )
  })

  it('ends after as many regions as the policy allows, each tried once', () => {
    fc.assert(
      fc.property(placed, (placement) => {
        const tried = [placement.region]
        for (let it = failOver(placement); it !== undefined; it = failOver(it))
          tried.push(it.region)
        expect(tried).toEqual([placement.region, ...placement.failover])
      }),
    )
  })
})

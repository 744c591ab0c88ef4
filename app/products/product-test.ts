import * as z from 'zod'
import { attributeName } from '../../regions/attribute-name.ts'
import { findContinent } from '../../regions/continent.ts'
import { continentCode, countryCode } from '../../regions/country-code.ts'
import { describePlacement } from '../../regions/describe-placement.ts'
import { type Locate, parseAddress } from '../../regions/location.ts'
import { place } from '../../regions/placement.ts'
import { regionName } from '../../regions/region-name.ts'
import type { RegionPolicy } from '../../regions/region-policy.ts'

/** The region that a test expects where a device is to land nowhere. */
export const noRegion = 'none'

/**
 * A device and where it must land. `location` stands for what is known of `address`; without one the
 * location data at hand decide. `down`: regions that fail at that time.
 */
export const productTestSchema = z.strictObject({
  name: z.string().min(1).max(100).optional(),
  address: z
    .string()
    .refine((text) => parseAddress(text) !== undefined, 'must be an IPv4 or IPv6 address')
    .optional(),
  location: z
    .strictObject({
      lat: z.number().min(-90).max(90),
      lon: z.number().min(-180).max(180),
      country: countryCode.optional(),
      /** Default: the country's. */
      continent: continentCode.optional(),
    })
    .optional(),
  attributes: z.record(attributeName, z.string().max(1024)).optional(),
  /** Needed where the strategy is weighted. */
  thing: z.string().min(1).max(128).optional(),
  pin: regionName.optional(),
  down: z.array(regionName).optional(),
  region: z.union([regionName, z.literal(noRegion)], {
    error: `must be a Region with AWS IoT Core, or ${noRegion}`,
  }),
})

export type ProductTest = z.infer<typeof productTestSchema>

/** What became of one test; `problem` is a sentence where it failed. */
export type TestResult = {
  readonly index: number
  readonly name?: string
  readonly expected: string
  readonly actual: string
  readonly reason: string
  readonly problem?: string
}

/** Runs a document's tests against its own region policy. */
export function runProductTests(
  { regionPolicy, tests = [] }: { regionPolicy: RegionPolicy; tests?: ProductTest[] | undefined },
  deps: { enabledRegions: readonly string[]; locate: Locate },
): TestResult[] {
  return tests.map((test, index) => {
    const placement = place({
      policy: regionPolicy,
      enabledRegions: deps.enabledRegions,
      unavailable: new Map((test.down ?? []).map((region) => [region, 'down'])),
      location: locationOf(test, deps.locate),
      address: test.address,
      attributes: test.attributes,
      thingName: test.thing ?? '',
      pin: test.pin,
    })
    const actual = placement.region ?? noRegion
    const reason = describePlacement(placement)
    const said = {
      index,
      ...(test.name === undefined ? {} : { name: test.name }),
      expected: test.region,
      actual,
      reason,
    }
    if (placement.region !== undefined && placement.basis === 'weighted' && !test.thing) {
      return { ...said, problem: 'names no thing, and the strategy is weighted: add one' }
    }
    if (actual === test.region) return said
    return { ...said, problem: `expects ${test.region}, gets ${actual}: ${reason}` }
  })
}

function locationOf({ location, address }: ProductTest, locate: Locate) {
  if (location === undefined) return address === undefined ? undefined : locate(address)
  const { country } = location
  const continent =
    location.continent ?? (country === undefined ? undefined : findContinent(country))
  return { ...location, continent }
}

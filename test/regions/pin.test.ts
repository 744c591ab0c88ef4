import fc from 'fast-check'
import { expect, it } from 'vitest'
import { findPinObstacle } from '../../regions/pin.ts'
import { place } from '../../regions/placement.ts'
import { regionPolicySchema } from '../../regions/region-policy.ts'

const regions = ['eu-west-1', 'eu-central-1', 'us-east-1']
const someRegions = fc.uniqueArray(fc.constantFrom(...regions), { minLength: 1 })
const countries = ['DE', 'FR', 'US']
const plans = ['gold', 'free']

const match = fc.oneof(
  fc.record({ countries: fc.uniqueArray(fc.constantFrom(...countries), { minLength: 1 }) }),
  fc.record({ attributes: fc.record({ plan: fc.constantFrom(...plans) }) }),
  fc.record({
    countries: fc.uniqueArray(fc.constantFrom(...countries), { minLength: 1 }),
    attributes: fc.record({ plan: fc.constantFrom(...plans) }),
  }),
)
const policyOf = fc
  .record({
    allowed: fc.option(someRegions),
    rules: fc.array(fc.record({ match, regions: someRegions, strict: fc.boolean() }), {
      maxLength: 4,
    }),
  })
  .map(({ allowed, rules }) => {
    const within = allowed ?? regions
    const policy = {
      defaultRegion: within[0],
      ...(allowed === null ? {} : { allowedRegions: allowed }),
      rules: rules
        .map((rule) => ({ ...rule, regions: rule.regions.filter((it) => within.includes(it)) }))
        .filter((rule) => rule.regions.length > 0),
    }
    return regionPolicySchema.safeParse(policy)
  })
  .filter((parsed) => parsed.success)
  .map(({ data }) => data as NonNullable<typeof data>)

it('is what no place on earth lets place() grant, and nothing else is', () => {
  const given = fc.record({
    policy: policyOf,
    pin: fc.constantFrom(...regions),
    attributes: fc.constantFrom(undefined, ...plans.map((plan) => ({ plan }))),
  })
  fc.assert(
    fc.property(given, ({ policy, pin, attributes }) => {
      const granted = [...countries, 'JP', undefined].some((country) => {
        const location = country === undefined ? undefined : { lat: 0, lon: 0, country }
        const placed = place({
          ...{ policy, pin, attributes, location },
          thingName: 'lamp',
          enabledRegions: regions,
        })
        return placed.region === pin
      })
      const obstacle = findPinObstacle(policy, pin, attributes)
      // A rule whose countries others take before it is no obstacle either, though it never decides.
      if (granted) expect(obstacle).toBeUndefined()
      if (obstacle !== undefined) expect(granted).toBe(false)
      const places = policy.rules.filter((rule) => rule.strict && rule.match.countries).length
      if (places < 2) expect(obstacle === undefined).toBe(granted)
    }),
    { numRuns: 2000 },
  )
})

it('names the rule, or the allowed regions', () => {
  const rule = { match: { attributes: { plan: 'de' } }, regions: ['eu-central-1'], strict: true }
  const policy = regionPolicySchema.parse({
    defaultRegion: 'eu-west-1',
    allowedRegions: ['eu-west-1', 'eu-central-1'],
    rules: [rule],
  })
  expect(findPinObstacle(policy, 'eu-west-1', { plan: 'de' })).toBe('the regions of rule 1')
  expect(findPinObstacle(policy, 'us-east-1', {})).toBe('the allowed regions')
})

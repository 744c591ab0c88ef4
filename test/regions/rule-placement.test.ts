// One policy, and how each kind of its rules places devices.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { catalogue, findRegion } from '../../regions/catalogue.ts'
import { describePlacement } from '../../regions/describe-placement.ts'
import { type PlacementInput, place } from '../../regions/placement.ts'
import { regionPolicySchema } from '../../regions/region-policy.ts'
import { checkRule } from '../../regions/region-rule.ts'

const everyRegion = catalogue.map((row) => row.region)
const dublin = { lat: 53.35, lon: -6.26, country: 'IE', continent: 'EU' }
const berlin = { lat: 52.52, lon: 13.4, country: 'DE', continent: 'EU' }
const tokyo = { lat: 35.68, lon: 139.69, country: 'JP', continent: 'AS' }

const policy = regionPolicySchema.parse({
  defaultRegion: 'us-east-1',
  rules: [
    {
      name: 'lab',
      match: { addresses: ['203.0.113.0/24', '2001:db8:1::/48'] },
      regions: ['eu-west-2'],
    },
    {
      name: 'gold in Europe',
      match: { continents: ['EU'], attributes: { plan: ['gold', 'platinum'] } },
      regions: ['eu-central-1', 'eu-west-1'],
      strategy: 'static',
    },
    { match: { countries: ['DE', 'AT'] }, regions: ['eu-central-1', 'eu-west-1'], strict: true },
  ],
})

function land(input: Partial<PlacementInput>) {
  return place({
    policy,
    enabledRegions: everyRegion,
    location: dublin,
    thingName: 'lamp',
    ...input,
  })
}

describe('rules', () => {
  it('match by network, whichever way the address is written', () => {
    const inLab = { region: 'eu-west-2', rule: { index: 0, name: 'lab', strict: false } }
    for (const address of ['203.0.113.9', '::ffff:203.0.113.9', '2001:db8:1:2::3']) {
      expect(land({ address }), address).toMatchObject(inLab)
    }
    for (const address of ['203.0.114.9', '2001:db8:2::3', 'rubbish', undefined]) {
      expect(land({ address }), address).not.toHaveProperty('rule')
    }
  })

  it('match where every kind of condition holds, by one of its values', () => {
    expect(land({ attributes: { plan: 'platinum' } })).toMatchObject({
      region: 'eu-central-1',
      basis: 'static',
      rule: { index: 1 },
    })
    expect(land({ attributes: { plan: 'silver' } })).not.toHaveProperty('rule')
    expect(land({ attributes: { plan: 'gold' }, location: tokyo })).not.toHaveProperty('rule')
    expect(land({ attributes: { plan: 'gold' }, location: undefined })).not.toHaveProperty('rule')
  })

  it('never take what every object has for an attribute', () => {
    const odd = regionPolicySchema.parse({
      defaultRegion: 'eu-west-1',
      rules: [{ match: { attributes: { constructor: 'x' } }, regions: ['eu-west-2'] }],
    })
    expect(land({ policy: odd, attributes: {} })).not.toHaveProperty('rule')
    expect(land({ policy: odd, attributes: { constructor: 'x' } })).toHaveProperty('rule')
  })

  it('count in their order: the first that matches decides', () => {
    const both = { address: '203.0.113.9', attributes: { plan: 'gold' } }
    expect(land(both)).toMatchObject({ rule: { index: 0 } })
    expect(land({ ...both, address: undefined })).toMatchObject({ rule: { index: 1 } })
  })

  it('count after every strict one, wherever that stands', () => {
    const gold = { location: berlin, attributes: { plan: 'gold' } }
    expect(land(gold)).toMatchObject({ rule: { index: 2, strict: true } })
    const outage = ['eu-central-1', 'eu-west-1'].map((name) => [name, 'down'] as const)
    expect(land({ ...gold, unavailable: new Map(outage) })).toMatchObject({ region: undefined })
    expect(land({ ...gold, pin: 'us-east-1' })).toMatchObject({ refusal: 'pin-not-allowed' })
  })

  it('name the default region first where the position is unknown, else the nearest to it', () => {
    expect(land({ address: '203.0.113.9', location: undefined })).toMatchObject({
      region: 'eu-west-2',
      basis: 'near-default',
    })
  })
})

describe('a rule none of whose regions can be used', () => {
  const down = (...regions: string[]) => new Map(regions.map((name) => [name, 'down'] as const))

  it('is left where it is not strict, and the placement says so', () => {
    const placement = land({ address: '203.0.113.9', unavailable: down('eu-west-2') })
    expect(placement).toMatchObject({ region: 'eu-west-1', ruleLeft: true, rule: { index: 0 } })
    expect(describePlacement(placement)).toMatch(/^rule lab left, nearest: \d+ km, before /)
    const enabledRegions = ['us-east-1']
    expect(land({ address: '203.0.113.9', enabledRegions })).toMatchObject({
      region: 'us-east-1',
      ruleLeft: true,
    })
  })

  it('leaves no region where it is strict: wait while they are down, ask an operator else', () => {
    const unavailable = new Map([['eu-central-1', 'down'] as const, ['eu-west-1', 'draining']])
    const waiting = land({
      location: berlin,
      unavailable: unavailable as PlacementInput['unavailable'],
    })
    expect(waiting).toMatchObject({ region: undefined, refusal: 'unavailable', candidates: [] })
    expect(describePlacement(waiting)).toBe(
      'no region of rule rules.2 (strict) can be used: eu-central-1 (down), eu-west-1 (draining)',
    )
    expect(land({ location: berlin, enabledRegions: ['us-east-1'] })).toMatchObject({
      region: undefined,
      refusal: 'not-enabled',
    })
  })

  it('gives way region by region, and says which was nearer', () => {
    const placement = land({ location: berlin, unavailable: down('eu-central-1') })
    expect(placement.region).toBe('eu-west-1')
    expect(describePlacement(placement)).toMatch(
      /^rule rules\.2 \(strict\), nearest: \d+ km, the only candidate; passed over eu-central-1 \(down\)$/,
    )
  })
})

describe('a pin', () => {
  it('goes before strategy and lenient rules', () => {
    const attributes = { plan: 'gold' }
    const placement = land({ attributes, pin: 'sa-east-1' })
    expect(placement).toMatchObject({ region: 'sa-east-1', basis: 'pinned', failover: [] })
    expect(describePlacement(placement)).toBe('pinned: an operator wants the device here')
  })

  it('never goes before a strict rule', () => {
    expect(land({ location: berlin, pin: 'eu-west-1' })).toMatchObject({ region: 'eu-west-1' })
    const placement = land({ location: berlin, pin: 'us-east-1' })
    expect(placement).toMatchObject({ region: undefined, refusal: 'pin-not-allowed' })
    expect(describePlacement(placement)).toBe(
      'no region: the device is pinned outside rule rules.2 (strict)’s regions',
    )
  })

  it('waits for its region', () => {
    const unavailable = new Map([['sa-east-1', 'down'] as const])
    expect(land({ pin: 'sa-east-1', unavailable })).toMatchObject({ refusal: 'unavailable' })
  })
})

describe('failover', () => {
  const bounded = (failover: object, rest: object = {}) =>
    regionPolicySchema.parse({ defaultRegion: 'eu-west-1', ...rest, failover })

  it('goes to so many further candidates, and no farther than allowed', () => {
    const near = land({ policy: bounded({ candidates: 3, maxExtraKm: 600 }) })
    expect(near.failover).toEqual(['eu-west-2'])
    expect(land({ policy: bounded({ candidates: 2 }) }).failover).toHaveLength(2)
    expect(land({}).failover).toEqual([])
  })

  it('goes by the distance between the regions where the device could be anywhere', () => {
    const policy = bounded({ candidates: 9, maxExtraKm: 1200 })
    const { failover, region } = land({ policy, location: undefined })
    expect(region).toBe('eu-west-1')
    expect(failover).toEqual(['eu-west-2', 'eu-west-3', 'eu-central-1'])
  })
})

const places = fc.record({
  lat: fc.oneof(fc.constantFrom(90, -90), fc.double({ min: -90, max: 90, noNaN: true })),
  lon: fc.oneof(fc.constantFrom(180, -180), fc.double({ min: -180, max: 180, noNaN: true })),
  country: fc.constantFrom('DE', 'IE', 'JP', undefined),
  continent: fc.constantFrom('EU', 'AS', undefined),
})
const inputs = fc.record({
  location: fc.option(places, { nil: undefined }),
  enabledRegions: fc.shuffledSubarray(everyRegion),
  unavailable: fc
    .subarray(everyRegion, { maxLength: 20 })
    .map(
      (names) =>
        new Map(
          names.map((name, at) => [name, at % 2 === 0 ? ('down' as const) : ('draining' as const)]),
        ),
    ),
  address: fc.constantFrom('203.0.113.1', '198.51.100.1', undefined),
  attributes: fc.constantFrom({ plan: 'gold' }, {}, undefined),
  thingName: fc.string({ minLength: 1 }),
  pin: fc.option(fc.constantFrom(...everyRegion), { nil: undefined }),
})

describe('every placement', () => {
  it('keeps to a strict rule, whatever is down, pinned, unknown or at the end of the world', () => {
    const strict = regionPolicySchema.parse({
      ...policy,
      rules: policy.rules.map((rule) => ({ ...rule, strict: true })),
    })
    fc.assert(
      fc.property(inputs, (input) => {
        const { rule, region, candidates, failover } = place({ ...input, policy: strict })
        if (rule === undefined) return
        const regions = strict.rules[rule.index]?.regions ?? []
        for (const used of [
          ...candidates.map((it) => it.region),
          ...failover,
          region ?? regions[0],
        ]) {
          expect(regions).toContain(used)
        }
      }),
    )
  })

  it('keeps to the first strict rule that matches, whatever else the document says', () => {
    const rule = fc.record({
      match: fc.constantFrom({ countries: ['DE'] }, { continents: ['EU'] }, { countries: ['JP'] }),
      regions: fc.uniqueArray(fc.constantFrom(...everyRegion), { minLength: 1, maxLength: 3 }),
      strict: fc.boolean(),
    })
    fc.assert(
      fc.property(inputs, fc.array(rule, { maxLength: 4 }), (input, rules) => {
        const some = regionPolicySchema.parse({ defaultRegion: 'eu-west-1', rules })
        const kept = some.rules.find(
          (it) => it.strict && checkRule(it, input).every((one) => one.holds),
        )
        if (kept === undefined) return
        const { region, candidates, failover } = place({ ...input, policy: some })
        const used = [...candidates.map((it) => it.region), ...failover]
        if (region !== undefined) used.push(region)
        for (const it of used) expect(kept.regions).toContain(it)
      }),
      { numRuns: 1000 },
    )
  })

  it('without location data lets nobody go where a strict rule of any place would not', () => {
    const rule = fc.record({
      match: fc.constantFrom(
        { countries: ['DE'] },
        { continents: ['EU'] },
        { addresses: ['203.0.113.0/24'] },
        { countries: ['JP'], attributes: { plan: 'gold' } },
      ),
      regions: fc.uniqueArray(fc.constantFrom(...everyRegion), { minLength: 1, maxLength: 3 }),
      strict: fc.boolean(),
    })
    fc.assert(
      fc.property(inputs, places, fc.array(rule, { maxLength: 4 }), (input, location, rules) => {
        const some = regionPolicySchema.parse({ defaultRegion: 'eu-west-1', rules })
        const blind = { ...input, location: undefined, locating: false, policy: some }
        const { region } = place(blind)
        if (region === undefined) return
        const really = { ...input, location }
        const kept = some.rules.find(
          (it) => it.strict && checkRule(it, really).every((one) => one.holds),
        )
        if (kept !== undefined) expect(kept.regions).toContain(region)
      }),
      { numRuns: 1000 },
    )
  })

  it('uses enabled regions only that are not down, and is the same in whatever order they come', () => {
    const weights = Object.fromEntries(everyRegion.map((name, at) => [name, at + 1]))
    for (const strategy of [{ strategy: 'nearest' }, { strategy: 'weighted', weights }]) {
      const some = regionPolicySchema.parse({ defaultRegion: 'eu-west-1', ...strategy })
      fc.assert(
        fc.property(inputs, (input) => {
          const one = place({ ...input, policy: some })
          for (const { region } of one.candidates) {
            expect(input.enabledRegions).toContain(region)
            // A pin goes before a drain, and before nothing else.
            const why = input.unavailable.get(region)
            expect(why === undefined || (why === 'draining' && region === input.pin)).toBe(true)
          }
          const enabledRegions = [...input.enabledRegions].reverse()
          expect(place({ ...input, enabledRegions, policy: some })).toEqual({
            ...one,
            skipped: expect.arrayContaining([...one.skipped]),
          })
        }),
      )
    }
  })

  it('settles a tie by name, whatever the order of the document', () => {
    // As far from Dublin as from London, to the last bit.
    const location = { lat: 52, lon: -3.506694860332495 }
    for (const allowedRegions of [
      ['eu-west-1', 'eu-west-2'],
      ['eu-west-2', 'eu-west-1'],
    ]) {
      const some = regionPolicySchema.parse({ defaultRegion: 'eu-west-2', allowedRegions })
      const { candidates } = land({ policy: some, location })
      expect(candidates[0]?.distanceKm).toBe(candidates[1]?.distanceKm)
      expect(candidates.map((it) => it.region)).toEqual(['eu-west-1', 'eu-west-2'])
    }
  })

  it('goes by latitude alone at the pole, on whatever meridian that is said to be', () => {
    const atPole = (lon: number, enabledRegions: string[]) =>
      place({
        policy: regionPolicySchema.parse({ defaultRegion: 'eu-west-1' }),
        enabledRegions,
        location: { lat: 90, lon },
        thingName: 'lamp',
      }).candidates.map((it) => it.region)
    expect(atPole(0, everyRegion)).toEqual(atPole(-123.4, [...everyRegion].reverse()))
    expect(findRegion(atPole(0, everyRegion)[0] ?? '')?.lat).toBe(
      Math.max(...catalogue.map(({ lat }) => lat)),
    )
  })

  it('finds the nearest region across the antimeridian', () => {
    const suva = (lon: number) =>
      land({
        location: { lat: -18.1, lon },
        policy: regionPolicySchema.parse({ defaultRegion: 'eu-west-1' }),
      })
    expect(suva(178.4).region).toBe('ap-southeast-2')
    expect(suva(178.4 - 360).candidates.map((it) => it.region)).toEqual(
      suva(178.4).candidates.map((it) => it.region),
    )
    expect(suva(-179.9).region).toBe('ap-southeast-2')
  })
})

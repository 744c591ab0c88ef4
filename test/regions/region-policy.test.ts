import { describe, expect, it } from 'vitest'
import { regionPolicySchema } from '../../regions/region-policy.ts'

const rule = { match: { countries: ['DE'] }, regions: ['eu-central-1'] }

/** Every problem of a document, as `path: message`. */
function problemsOf(document: unknown): string[] {
  const { error } = regionPolicySchema.safeParse(document)
  return (error?.issues ?? []).map((it) => `${it.path.join('.')}: ${it.message}`)
}

describe('regionPolicySchema', () => {
  it('takes what it took before there were rules', () => {
    const document = { defaultRegion: 'eu-west-1', allowedRegions: ['eu-west-1', 'us-east-1'] }
    expect(regionPolicySchema.parse({ ...document, strategy: 'nearest' })).toEqual({
      ...document,
      strategy: 'nearest',
      rules: [],
    })
  })

  it('takes every feature at once', () => {
    const document = {
      defaultRegion: 'eu-west-1',
      allowedRegions: ['eu-west-1', 'eu-central-1', 'us-east-1'],
      rules: [
        {
          name: 'Germany stays',
          match: {
            countries: ['DE', 'XK'],
            continents: ['EU'],
            addresses: ['203.0.113.0/24', '2001:db8::/32', '198.51.100.7'],
            attributes: { plan: 'gold', line: ['a', 'b'] },
          },
          regions: ['eu-central-1', 'eu-west-1'],
          strict: true,
          strategy: 'weighted',
          weights: { 'eu-central-1': 3, 'eu-west-1': 0 },
        },
      ],
      strategy: 'static',
      failover: { candidates: 2, maxExtraKm: 3000 },
    }
    expect(regionPolicySchema.parse(document)).toEqual(document)
  })

  it.each([
    [{ defaultRegion: 'af-south-1' }, 'defaultRegion: "af-south-1" is no Region with AWS IoT Core'],
    [{ defaultRegion: 'us-wset-2' }, 'did you mean us-west-2?'],
    [{ defaultRegion: 'eu-west-1', nearest: true }, 'Unrecognized key'],
    [{}, 'defaultRegion: is missing'],
    [{ allowedRegions: ['us-east-1'] }, 'defaultRegion: must be one of allowedRegions'],
    [{ strategy: 'static' }, 'strategy: static goes by the order of allowedRegions: name them'],
    [{ strategy: 'random' }, 'strategy: must be nearest, weighted or static'],
    [{ strategy: 'weighted' }, 'weights: is missing'],
    [{ strategy: 'weighted', weights: { 'eu-west-1': 0 } }, 'weights: must have one above 0'],
    [{ weights: { 'eu-west-1': 1 } }, 'weights: is for the strategy weighted'],
    [
      { allowedRegions: ['eu-west-1'], strategy: 'weighted', weights: { 'us-east-1': 1 } },
      'weights.us-east-1: is not one of the candidates',
    ],
    [{ failover: { candidates: 0 } }, 'failover.candidates: Too small'],
    [{ rules: [{ ...rule, match: {} }] }, 'rules.0.match: must name countries, continents'],
    [
      { rules: [{ ...rule, match: { attributes: {} } }] },
      'match.attributes: must name an attribute',
    ],
    [{ rules: [{ ...rule, match: { countries: ['UK'] } }] }, 'countries.0: UK is written GB'],
    [{ rules: [{ ...rule, match: { countries: ['EU'] } }] }, 'countries.0: EU is no country'],
    [{ rules: [{ ...rule, match: { countries: ['de'] } }] }, 'two capital letters'],
    [{ rules: [{ ...rule, match: { continents: ['Europe'] } }] }, 'must be a continent: AF, AN'],
    [{ rules: [{ ...rule, match: { addresses: ['10.0.0.1/8'] } }] }, 'write 10.0.0.0/8'],
    [{ rules: [{ ...rule, match: { addresses: ['2001:db8::1/32'] } }] }, 'write 2001:db8::/32'],
    [{ rules: [{ ...rule, match: { addresses: ['10.0.0.0/33'] } }] }, 'a prefix longer than 32'],
    [{ rules: [{ ...rule, match: { addresses: ['10/8'] } }] }, 'must be a network like'],
    [{ rules: [{ ...rule, match: { addresses: ['::ffff:10.0.0.0/104'] } }] }, 'IPv4'],
    [{ rules: [{ ...rule, regions: [] }] }, 'rules.0.regions: Too small'],
    [
      { rules: [{ ...rule, regions: ['us-east-1', 'us-east-1'] }] },
      'rules.0.regions.1: must not name us-east-1 twice',
    ],
    [
      { allowedRegions: ['eu-west-1'], rules: [rule] },
      'rules.0.regions.0: must be one of allowedRegions: a rule only narrows them; add eu-central-1 there',
    ],
    [
      {
        rules: [
          { ...rule, name: 'x' },
          { ...rule, name: 'x' },
        ],
      },
      'rules.1.name: must not be another rule’s name',
    ],
    [
      { strategy: 'weighted', weights: { 'eu-west-1': 1 }, rules: [rule] },
      'rules.0.regions: none has a weight in the policy',
    ],
    [
      { rules: [{ ...rule, strategy: 'weighted', weights: { 'eu-west-1': 1 } }] },
      'rules.0.weights.eu-west-1: is not one of the candidates',
    ],
  ])('refuses %j', (change, message) => {
    const whole = 'defaultRegion' in change || Object.keys(change).length === 0
    const document = whole ? change : { defaultRegion: 'eu-west-1', ...change }
    expect(problemsOf(document).join('\n')).toContain(message)
  })

  it('tells every problem at once, those between fields too', () => {
    expect(
      problemsOf({
        defaultRegion: 'eu-west-1',
        allowedRegions: ['us-east-1'],
        rules: [{ match: { countries: ['UK'] }, regions: ['eu-west-1'], strcit: true }],
        strategy: 'weighted',
      }),
    ).toEqual([
      'rules.0.match.countries.0: UK is written GB in ISO 3166-1',
      'rules.0: Unrecognized key: "strcit"',
      'defaultRegion: must be one of allowedRegions',
      'weights: is missing: the strategy is weighted',
      'rules.0.regions.0: must be one of allowedRegions: a rule only narrows them; add eu-west-1 there',
    ])
  })
})

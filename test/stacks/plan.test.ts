import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { catalogue } from '../../regions/catalogue.ts'
import { PlanError, type PlanInput, parsePlan } from '../../stacks/plan.ts'
import { strongSets } from '../../stacks/plan-problems.ts'
import { planOf } from '../../stacks/stage-plan.ts'
import { personalStage, stages } from '../../stacks/stages.ts'

type RouterInput = Extract<PlanInput, { edges: string[] }>

const domain = { name: 'devices.landfall.io', zone: 'landfall.io' }
const deviceRegions: RouterInput['deviceRegions'] = [{ region: 'eu-west-1' }]
const one: RouterInput = { edges: ['eu-west-1'], deviceRegions }
const two: RouterInput = {
  edges: ['eu-west-1', 'eu-central-1'],
  witness: 'eu-west-2',
  domain,
  deviceRegions,
}
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const devices: PlanInput = {
  kind: 'devices',
  routerStage: 'production',
  edgeRoleArns: [role('edge')],
  sweeperRoleArn: role('sweeper'),
  deviceRegions: [{ region: 'ap-south-1' }],
}

/** The sentences that a plan is refused with; none where it is taken. */
function problemsOf(input: PlanInput, stage = 'test'): string[] {
  try {
    parsePlan(stage, input)
    return []
  } catch (error) {
    if (!(error instanceof PlanError)) throw error
    const [heading, ...lines] = error.message.split('\n')
    expect(heading).toBe(`the plan of stage ${stage} can’t be deployed:`)
    return lines.map((it) => it.trim())
  }
}

describe('a plan', () => {
  it('is taken with one edge, two and a witness, or three', () => {
    expect(problemsOf(one)).toEqual([])
    expect(problemsOf(two)).toEqual([])
    const edges = ['ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3']
    expect(problemsOf({ edges, domain, deviceRegions })).toEqual([])
    expect(problemsOf(devices)).toEqual([])
  })

  it('is filled in where it says nothing', () => {
    expect(parsePlan('test', one)).toMatchObject({
      kind: 'router',
      quotas: { requestsPerSecond: 200, burstRequests: 400 },
      operators: [],
      deviceRegions: [{ region: 'eu-west-1', dedicated: false }],
    })
  })

  it('of production, as shipped, lacks only the owner’s domain', () => {
    const { production } = stages
    if (production === undefined || production.kind === 'devices') throw new Error('no router')
    expect(problemsOf(production, 'production')).toEqual([
      'domain: devices.example.com is a name for examples; put your own in stacks/stages.ts',
    ])
    expect(problemsOf({ ...production, domain }, 'production')).toEqual([])
  })

  it('of a stage that isn’t named is the personal one', () => {
    expect(planOf('ada')).toEqual(parsePlan('ada', personalStage))
  })
})

const refusals: readonly [string, PlanInput, string | string[]][] = [
  [
    'an edge outside the set',
    { ...two, edges: ['eu-west-1', 'us-east-1'] },
    'edges: us-east-1 lies outside the set of eu-west-1, which one table can span; take one of eu-west-3, eu-central-1 instead',
  ],
  [
    'a witness outside the set',
    { ...two, witness: 'us-west-2' },
    'witness: us-west-2 lies outside the set of eu-west-1, which one table can span; take one of eu-west-2, eu-west-3 instead',
  ],
  [
    'two edges outside the set',
    { ...two, edges: ['us-east-1', 'eu-west-1'], witness: 'eu-west-2' },
    [
      'edges: eu-west-1 lies outside the set of us-east-1, which one table can span; take one of us-east-2, us-west-2 instead',
      'witness: eu-west-2 lies outside the set of us-east-1, which one table can span; take one of us-east-2, us-west-2 instead',
    ],
  ],
  [
    'a first edge in no set',
    { ...two, edges: ['ap-south-1', 'eu-west-1'] },
    'edges: ap-south-1 is in no set that a strongly consistent table can span; take us-east-1, us-east-2, us-west-2; or eu-west-1, eu-west-2, eu-west-3, eu-central-1; or ap-northeast-1, ap-northeast-2, ap-northeast-3',
  ],
  [
    'two edges without a witness',
    { edges: ['us-east-1', 'us-east-2'], domain, deviceRegions },
    'witness: two edges need one, to tell which of them is cut off; take us-west-2',
  ],
  [
    'a witness of three edges',
    { ...two, edges: ['eu-west-1', 'eu-west-3', 'eu-central-1'] },
    'witness: three edges need no witness; leave it out',
  ],
  [
    'a witness of three edges, one of them outside',
    { ...two, edges: ['us-east-1', 'us-east-2', 'eu-west-1'], witness: 'us-west-2' },
    [
      'edges: eu-west-1 lies outside the set of us-east-1, which one table can span; leave it out',
      'witness: three edges need no witness; leave it out',
    ],
  ],
  [
    'a witness of one edge',
    { ...one, witness: 'eu-west-2' },
    'witness: one edge has a plain table, which takes no witness; add an edge, or leave the witness out',
  ],
  [
    'a Region twice',
    { ...two, witness: 'eu-central-1' },
    'edges: eu-central-1 is named twice; edges and witness must be different Regions',
  ],
  [
    'an edge that is no Region',
    { ...one, edges: ['me-east-7'] },
    expect.stringMatching(/^edges: me-east-7 is no Region that Landfall knows; take .*me-\w+-1/),
  ],
  [
    'an edge that isn’t written as one',
    { ...one, edges: ['Ireland'] },
    'edges.0: must be an AWS Region like eu-west-1',
  ],
  ['no edge', { ...one, edges: [] }, 'edges: must name the Region of one edge at least'],
  [
    'four edges',
    { ...two, edges: ['eu-west-1', 'eu-west-2', 'eu-west-3', 'eu-central-1'] },
    'edges: must name three Regions at most: no strongly consistent table spans more',
  ],
  [
    'a device region without AWS IoT',
    { ...one, deviceRegions: [{ region: 'sa-west-1' }] },
    'deviceRegions: sa-west-1 is no Region with AWS IoT Core; take one of sa-east-1 instead',
  ],
  [
    'a device region twice',
    {
      ...one,
      deviceRegions: [{ region: 'eu-west-1' }, { region: 'eu-west-1', account: '1'.repeat(12) }],
    },
    'deviceRegions: eu-west-1 is named twice; name it once',
  ],
  [
    'an account that is none',
    { ...one, deviceRegions: [{ region: 'eu-west-1', account: '1234' }] },
    'deviceRegions.0.account: must be an AWS account of 12 digits',
  ],
  [
    'several edges without a domain',
    { ...two, domain: undefined },
    'domain: several edges need one, so that devices have one URL that fails over; set its name and zone',
  ],
  [
    'a domain outside its zone',
    { ...two, domain: { name: 'devicesxlandfall.io', zone: 'landfall.io' } },
    'domain: devicesxlandfall.io doesn’t lie in the zone landfall.io; name the hosted zone that holds it',
  ],
  [
    'a URL for a domain',
    { ...two, domain: { name: 'https://devices.landfall.io/', zone: 'landfall.io' } },
    'domain.name: must be a host name in lower case like devices.landfall.io, without scheme and final dot',
  ],
  [
    'an account’s root for an operator',
    { ...one, operators: ['arn:aws:iam::111122223333:root'] },
    'operators.0: must be the ARN of an IAM role or user, never an account’s root',
  ],
  [
    'more provisioned than reserved concurrency',
    { ...one, quotas: { reservedConcurrency: 5, provisionedConcurrency: 10 } },
    'quotas: provisionedConcurrency 10 is above reservedConcurrency 5; raise the one or lower the other',
  ],
  [
    'no requests',
    { ...one, quotas: { requestsPerSecond: 0, burstRequests: 1.5 } },
    [
      'quotas.requestsPerSecond: must be at least 1',
      'quotas.burstRequests: must be a whole number',
    ],
  ],
  ...(['rate(2 days)', 'rate(5 minutes)', 'rate(hourly)', 'rate(1 hour) '] as const).map(
    (sweep): [string, PlanInput, string] => [
      `a sweep at ${sweep}`,
      // The last one isn't of the type, but files are written by people.
      { ...one, sweep: sweep as 'rate(1 hour)' },
      expect.stringMatching(/^sweep: /),
    ],
  ),
  [
    'one table for both',
    { ...one, tables: { allowList: 'landfall', control: 'landfall' } },
    'tables: landfall can’t be both; name allowList and control differently',
  ],
  [
    'a table’s name that DynamoDB refuses',
    { ...one, tables: { allowList: 'allow list', control: 'landfall' } },
    'tables.allowList: must be 3 to 255 of letters, digits and . - _, as DynamoDB wants it',
  ],
  [
    'a router’s stage that no role can be named for',
    { ...devices, routerStage: 'the stage of production' },
    'routerStage: the stage of production is part of role names; make it 1 to 24 letters, digits and hyphens',
  ],
]

describe('a plan is refused', () => {
  it.each(refusals)('for %s', (_, input, wanted) => {
    expect(problemsOf(input)).toEqual([wanted].flat())
  })

  it('for a field that no plan has, by its name', () => {
    const input = { ...one, wittness: 'eu-west-2' }
    expect(problemsOf(input).join()).toContain('wittness')
  })

  it('for a stage that no role can be named for', () => {
    expect(problemsOf(one, 'my_stage')).toEqual([
      'stage: my_stage is part of role names; make it 1 to 24 letters, digits and hyphens',
    ])
    expect(problemsOf(one, 'a'.repeat(25))).toHaveLength(1)
  })

  it('for all of its problems together', () => {
    const input: PlanInput = {
      ...two,
      witness: 'us-west-2',
      domain: { name: 'devices.acme.test', zone: 'acme.test' },
      deviceRegions: [{ region: 'sa-west-1' }],
    }
    expect(problemsOf(input).map((it) => it.split(':')[0])).toEqual([
      'deviceRegions',
      'witness',
      'domain',
    ])
  })
})

describe('whatever edges and witness a plan names', () => {
  const known = [...new Set([...catalogue.map((it) => it.region), ...strongSets.flat()])]
  // Mostly of one set, so that many plans are accepted.
  const region = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...(strongSets[1] ?? [])) },
    fc.constantFrom(...known, 'eu-west-9'),
  )
  const plans = fc.record({
    edges: fc.array(region, { minLength: 1, maxLength: 3 }),
    witness: fc.option(region, { nil: undefined }),
  })

  it('it is accepted just where one table can span them, or where one edge is alone', () => {
    let accepted = 0
    fc.assert(
      fc.property(plans, ({ edges, witness }) => {
        const all = witness === undefined ? edges : [...edges, witness]
        const differ = new Set(all).size === all.length
        const spanned = strongSets.some((set) => all.every((it) => set.includes(it)))
        const alone = all.length === 1 && all.every((it) => known.includes(it))
        const problems = problemsOf({ edges, witness, domain, deviceRegions })
        expect(problems.length === 0).toBe(alone || (differ && spanned && all.length === 3))
        if (problems.length === 0 && edges.length > 1) accepted += 1
      }),
      { numRuns: 1000 },
    )
    expect(accepted).toBeGreaterThan(20)
  })

  it('every sentence begins with the field and says what to change', () => {
    fc.assert(
      fc.property(plans, ({ edges, witness }) => {
        for (const problem of problemsOf({ edges, witness, domain, deviceRegions })) {
          expect(problem).toMatch(
            /^(edges|witness): .*(take [a-z]|leave (it|the witness) out|must be different)/,
          )
          expect(problem).not.toMatch(/undefined|take one of *( instead)?$/)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

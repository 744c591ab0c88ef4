import { describe, expect, it } from 'vitest'
import { sickCases } from './cases.ts'
import { drawTimeLine } from './draw-time-line.ts'
import { judge } from './judge.ts'
import type { Ask, LoadDevice } from './load.ts'
import type { CaseRun } from './run-case.ts'
import { soakPlan } from './soak-cases.ts'
import { timeLineOf } from './time-line.ts'

const sickCase = sickCases.find((it) => it.name === 'fail')
if (sickCase === undefined) throw new Error('there is no such case')

/** Sick from second 10 to 70, and the breaker open from 11 to 75, but for one probe. */
const run: CaseRun = {
  sickCase,
  plan: soakPlan,
  startedAt: 0,
  spells: [{ from: 10_000, to: 70_000 }],
  back: true,
  devices: [
    device('healthy', 1, 'eu-west-1'),
    device('moved', 10.1, 'us-east-1'),
    device('spared', 20, 'us-east-1'),
    device('probe', 30, 'us-east-1'),
    device('back', 80, 'eu-west-1'),
  ],
  calls: [
    createThing('moved', 'eu-west-1', 10.1),
    createThing('moved', 'us-east-1', 10.2),
    createThing('probe', 'eu-west-1', 30),
    createThing('probe', 'us-east-1', 30.1),
  ],
  edges: [
    {
      name: 'edge 1',
      pid: 7,
      killed: false,
      log: [breaker('opened', 11), breaker('opened', 30.2), breaker('closed', 75)],
    },
  ],
  auditProblems: [],
  kills: [],
}

function at(seconds: number): number {
  return seconds * 1000
}

function device(name: string, second: number, region: string, strict = false): LoadDevice {
  const ask: Ask = { startedAt: at(second), endedAt: at(second) + 500, status: 200, region }
  const landed = { region, certificate: '' }
  return { name, home: 'eu-west-1', strict, asks: [ask], landed }
}

function unanswered(name: string, second: number): LoadDevice {
  const { landed: _, ...rest } = device(name, second, '')
  return { ...rest, failure: 'its time was up' }
}

function createThing(name: string, region: string, second: number) {
  return {
    service: 'iot',
    region,
    operation: 'CreateThing',
    resource: `arn:aws:iot:${region}:1:thing/${name}`,
    status: 200,
    caller: 'arn:aws:sts::1:assumed-role/edge/landfall-host-7',
    startedAt: at(second) + 10,
    endedAt: at(second) + 90,
  }
}

function breaker(what: string, second: number) {
  return { msg: `breaker ${what}`, region: 'eu-west-1', time: new Date(at(second)).toISOString() }
}

function withDevices(...more: LoadDevice[]): CaseRun {
  return { ...run, devices: [...run.devices, ...more] }
}

function withCalls(...more: ReturnType<typeof createThing>[]): CaseRun {
  return { ...run, calls: [...run.calls, ...more] }
}

describe('the verdict on a sick region', () => {
  it('finds nothing wrong with a run in which everything held, and tells probes from tries', () => {
    const { figures, problems, slow } = judge(run)
    expect([...problems, ...slow]).toEqual([])
    expect(figures).toMatchObject({ elsewhere: 3, triedBeforeOpen: 1, probes: 1, probesAtOnce: 1 })
    expect(figures).toMatchObject({ openings: 1, openedAfterSeconds: 1, regionsTried: 2 })
  })

  it.each([
    ['a device without an answer', withDevices(unanswered('lost', 20)), /^I3: lost has no answer/],
    [
      'one in a forbidden region',
      withDevices(device('astray', 20, 'us-east-1', true)),
      /^astray landed in us-east-1, forbidden/,
    ],
    [
      'one that was only tried there',
      {
        ...withDevices(device('tried', 20, 'eu-west-1', true)),
        calls: [createThing('tried', 'us-east-1', 20)],
      },
      /^tried was tried in us-east-1/,
    ],
    [
      'a request in three regions',
      withCalls(createThing('moved', 'ap-northeast-1', 10.3)),
      /tried in 3 regions/,
    ],
    [
      'two probes at once',
      {
        ...withCalls(createThing('second', 'eu-west-1', 30)),
        devices: [device('second', 30, 'us-east-1'), ...run.devices],
      },
      /^2 probes at once/,
    ],
    ['devices that stay away', { ...run, back: false }, /still land away/],
    [
      'a breaker that never opens',
      { ...run, edges: run.edges.map((it) => ({ ...it, log: [] })) },
      /never opened/,
    ],
    ['a broken invariant', { ...run, auditProblems: ['I1: two'] }, /^I1: two$/],
  ])('finds %s', (_what, wrong, problem) => {
    expect(judge(wrong).problems).toEqual([expect.stringMatching(problem)])
  })

  it('finds what took too long', () => {
    const late = device('late', 101, 'us-east-1')
    const slow = { ...device('slow', 40, 'us-east-1'), asks: [slowAsk(40), slowAsk(45)] }
    expect(judge(withDevices(late)).slow).toHaveLength(1)
    expect(judge(withDevices(slow, device('last', 120, 'eu-west-1'))).slow).toHaveLength(1)
  })
})

function slowAsk(second: number): Ask {
  return { startedAt: at(second), endedAt: at(second) + 4000, status: 200, region: 'us-east-1' }
}

it('draws it with every number finite, and says in words what is to be seen', () => {
  const svg = drawTimeLine(timeLineOf(run), 'made <up>')
  expect(svg).not.toMatch(/NaN|Infinity|undefined/)
  expect(svg).toContain('made &lt;up&gt;')
  expect(svg).toMatch(
    /<desc[^>]*>Sick from second 10 to 70\. The first breaker opened at second 11\./,
  )
})

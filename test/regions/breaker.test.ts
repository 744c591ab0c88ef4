import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Admission,
  adopt,
  type Breaker,
  breakerState,
  enter,
  isDown,
  leave,
  newBreaker,
  type RegionOutcome,
  recordOutcome,
} from '../../regions/breaker.ts'

const start = 1_000_000
const second = 1000

/** Sends one device after another, each told at once. */
function send(
  breaker: Breaker,
  outcomes: readonly RegionOutcome[],
  now: number,
  name = (index: number) => `device-${now}-${index}`,
): Breaker {
  return outcomes.reduce((before, outcome, index) => {
    const { breaker: entered, admission } = enter(before, now)
    if (admission === undefined) throw new Error('the region is down')
    return recordOutcome(entered, { admission, thingName: name(index), outcome }, now, 0.5)
  }, breaker)
}

const many = (count: number, outcome: RegionOutcome) => Array.from({ length: count }, () => outcome)

function opened(now = start): Breaker {
  return send(newBreaker, many(3, 'failing'), now)
}

describe('a breaker opens', () => {
  it.each([
    ['three devices of three that failed', many(3, 'unreachable'), 'open'],
    ['two of two', many(2, 'failing'), 'closed'],
    ['three of six', [...many(3, 'ok'), ...many(3, 'deadline')], 'open'],
    ['three of seven', [...many(4, 'ok'), ...many(3, 'refused')], 'closed'],
    ['nine throttled', many(9, 'throttled'), 'closed'],
    ['ten throttled', many(10, 'throttled'), 'open'],
    ['ten throttled and one well', ['ok', ...many(10, 'throttled')], 'closed'],
    [
      'what is no fault of the region',
      ['invalid-csr', 'not-ours', 'contended', 'invalid-csr'],
      'closed',
    ],
  ] as [string, RegionOutcome[], string][])('by %s: %s is %s', (_, outcomes, state) => {
    expect(breakerState(send(newBreaker, outcomes, start), start)).toBe(state)
  })

  it('never by one device alone, however often it asks', () => {
    expect(send(newBreaker, many(50, 'refused'), start, () => 'the same').state).toBe('closed')
  })

  it('by three failures in a row where devices are rare, if they came within a minute', () => {
    const rare = (gap: number) =>
      [0, 1, 2].reduce(
        (breaker, index) => send(breaker, ['deadline'], start + index * gap),
        send(newBreaker, many(20, 'ok'), start - 20 * second),
      )
    expect(rare(15 * second).state).toBe('open')
    expect(rare(31 * second).state).toBe('closed')
  })

  it('not by attempts that began before it closed', () => {
    const late = enter(newBreaker, start - second).admission
    if (late === undefined) throw new Error('not admitted')
    const closed = send(opened(), ['ok'], start + 6 * second)
    const told = ['a', 'b', 'c'].reduce(
      (breaker, thingName) =>
        recordOutcome(
          breaker,
          { admission: late, thingName, outcome: 'deadline' },
          start + 7 * second,
          0,
        ),
      closed,
    )
    expect(told).toEqual(closed)
  })

  it('for longer each time, and briefly again after a calm minute', () => {
    let breaker = opened()
    let now = start
    const seconds: number[] = []
    for (let probes = 0; probes < 4; probes += 1) {
      if (breaker.state !== 'open') throw new Error('closed')
      seconds.push((breaker.until - now) / second)
      now = breaker.until
      breaker = send(breaker, ['failing'], now)
    }
    expect(seconds).toEqual([5, 10, 20, 20])
    if (breaker.state !== 'open') throw new Error('closed')
    now = breaker.until
    const flapped = send(send(breaker, ['ok'], now), many(3, 'failing'), now + 30 * second)
    expect(flapped).toMatchObject({ until: now + 50 * second })
    const calm = send(send(breaker, ['ok'], now), many(3, 'failing'), now + 60 * second)
    expect(calm).toMatchObject({ until: now + 65 * second })
  })
})

describe('a breaker that another process shares', () => {
  const shared = {
    state: 'open' as const,
    since: start,
    until: start + 5 * second,
    lastError: 'failing' as const,
  }

  it('keeps this one out too, and each probes at a time of its own', () => {
    const [early, late] = [0, 1].map((random) => adopt(newBreaker, shared, start, random))
    expect(early).toMatchObject({ state: 'open', until: start + 5 * second })
    expect(late).toMatchObject({ state: 'open', until: start + 10 * second })
  })

  it('closes this one once it is well', () => {
    const well = { state: 'closed' as const, since: start + second }
    expect(adopt(opened(), well, start + second, 0).state).toBe('closed')
    expect(adopt(opened(start + 2 * second), well, start + 3 * second, 0).state).toBe('open')
  })

  it('is no news twice, nor from a clock that is ahead', () => {
    const closed = send(adopt(newBreaker, shared, start, 0), ['ok'], start + 5 * second)
    expect(adopt(closed, { ...shared, until: start + 60 * second }, start + 6 * second, 0)).toBe(
      closed,
    )
    const ahead = { ...shared, since: start + 3600 * second, until: start + 3605 * second }
    expect(adopt(newBreaker, ahead, start, 0)).toBe(newBreaker)
    const long = { ...shared, until: start + 3600 * second }
    expect(adopt(newBreaker, long, start, 1)).toMatchObject({ until: start + 20 * second })
  })
})

type Step =
  | { kind: 'wait'; ms: number }
  | { kind: 'enter' }
  | { kind: 'tell'; which: number; outcome: RegionOutcome; random: number }
  | { kind: 'leave'; which: number }
  | { kind: 'share'; open: boolean; since: number; until: number; random: number }

const outcome = fc.constantFrom<RegionOutcome>(
  ...(['ok', 'throttled', 'failing', 'unreachable', 'deadline', 'refused', 'contended'] as const),
)
const random = fc.double({ min: 0, max: 0.999999, noNaN: true })
const which = fc.nat(20)
const near = fc.integer({ min: -30_000, max: 30_000 })
const step = (backwards: boolean): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('enter' as const) }) },
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('tell' as const), which, outcome, random }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), which }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('wait' as const),
        ms: fc.integer({ min: backwards ? -7_200_000 : 0, max: 12_000 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('share' as const),
        open: fc.boolean(),
        since: near,
        until: near,
        random,
      }),
    },
  )

/** Plays steps, and looks at every state between two of them. */
function play(
  steps: readonly Step[],
  look: (seen: {
    before: Breaker
    now: number
    admission: Admission | undefined
    probesOut: readonly Admission[]
  }) => void = () => {},
): { breaker: Breaker; now: number } {
  let breaker: Breaker = newBreaker
  let now = start
  const out: Admission[] = []
  for (const [index, it] of steps.entries()) {
    const before = breaker
    if (it.kind === 'wait') now += it.ms
    if (it.kind === 'share') {
      const [since, until] = [now + it.since, now + it.until]
      const shared = it.open
        ? { state: 'open' as const, since, until, lastError: 'failing' as const }
        : { state: 'closed' as const, since }
      breaker = adopt(breaker, shared, now, it.random)
    }
    if (it.kind === 'enter') {
      const entered = enter(breaker, now)
      expect(entered.admission === undefined).toBe(isDown(breaker, now))
      breaker = entered.breaker
      const { admission } = entered
      if (admission !== undefined) out.push(admission)
      look({ before, now, admission, probesOut: out.filter((o) => o.probe !== undefined) })
    }
    const told = it.kind === 'tell' || it.kind === 'leave' ? out[it.which % out.length] : undefined
    if (told === undefined || (it.kind !== 'tell' && it.kind !== 'leave')) continue
    out.splice(out.indexOf(told), 1)
    breaker =
      it.kind === 'leave'
        ? leave(breaker, told)
        : recordOutcome(
            breaker,
            { admission: told, thingName: `device-${index % 7}`, outcome: it.outcome },
            now,
            it.random,
          )
  }
  return { breaker, now }
}

describe('whatever happens', () => {
  const runs = { numRuns: 500 }

  it('an open breaker lets nobody pass before its time', () => {
    fc.assert(
      fc.property(fc.array(step(false), { maxLength: 80 }), (steps) => {
        play(steps, ({ before, now, admission }) => {
          if (before.state === 'open' && now < before.until) expect(admission).toBeUndefined()
        })
      }),
      runs,
    )
  })

  it('at most one probe is under way, where none lasts longer than a request may', () => {
    fc.assert(
      fc.property(fc.array(step(false), { maxLength: 80 }), (steps) => {
        let openSince: number | undefined
        play(steps, ({ before, now, admission, probesOut }) => {
          if (admission?.probe === undefined) return
          // Those of an earlier opening that was closed from elsewhere meanwhile aren't this one's.
          if (before.state === 'open') openSince = before.since
          const current = probesOut.filter((it) => it.at >= (openSince ?? 0))
          const young = current.filter((it) => now - it.at < 29 * second)
          expect(young).toHaveLength(1)
        })
      }),
      runs,
    )
  })

  it.each([
    ['', false],
    [' after clocks went back', true],
  ])('a well region has its devices again within 30 s%s', (_, backwards) => {
    fc.assert(
      fc.property(fc.array(step(backwards), { maxLength: 80 }), (steps) => {
        let { breaker, now } = play(steps)
        const wellFrom = now
        while (breaker.state !== 'closed') {
          expect(now - wellFrom).toBeLessThanOrEqual(30 * second)
          const { breaker: entered, admission } = enter(breaker, now)
          const told = { thingName: `well-${now}`, outcome: 'ok' as const }
          breaker =
            admission === undefined
              ? entered
              : recordOutcome(entered, { ...told, admission }, now, 0)
          now += 100
        }
      }),
      runs,
    )
  })
})

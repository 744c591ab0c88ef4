import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DeviceEvent, Reprovisioning } from '../../../app/provisioning/device-event.ts'
import { allowedDevice, type DeviceRecord } from '../../../app/provisioning/device-record.ts'
import { judge } from '../../../app/provisioning/judge.ts'
import { transition } from '../../../app/provisioning/transition.ts'

/**
 * Several attempts, an operator and the sweeper over one record, a step at a time in any order, each of
 * them free to die between two steps. A step is one call: what a process decides on may be old by the
 * time it acts. The record is compared and swapped as the table does it.
 */
type Certificate = { region: string; key: string | undefined; active: boolean; attached: boolean }
type World = {
  now: number
  record: DeviceRecord
  certificates: Map<string, Certificate>
  made: number
  broken: string[]
}
type Process = Generator<void, void, void>

const leaseSeconds = 60
const start = Date.parse('2026-06-01T12:00:00Z')

function newWorld(): World {
  const record = allowedDevice('dev1', start)
  return { now: start, record, certificates: new Map(), made: 0, broken: [] }
}

/** The write, where the record is still the one that was read; true where it landed. */
function swap(world: World, previous: DeviceRecord, next: DeviceRecord): boolean {
  if (world.record !== previous) return false
  world.record = next
  return true
}

function apply(world: World, previous: DeviceRecord, event: DeviceEvent): DeviceRecord | undefined {
  const outcome = transition(previous, event, world.now)
  if (outcome.type !== 'write') return undefined
  return swap(world, previous, outcome.next) ? outcome.next : undefined
}

function deactivate(world: World, id: string): void {
  const { record } = world
  if (record.certificateId === id && record.status === 'provisioned') {
    world.broken.push(`K1: ${id} was deactivated while the record named it`)
  }
  const certificate = world.certificates.get(id)
  if (certificate !== undefined) certificate.active = false
}

function attach(world: World, id: string): void {
  const certificate = world.certificates.get(id)
  if (certificate === undefined) return
  certificate.attached = true
  const live = [...world.certificates].filter(([, it]) => it.active && it.attached)
  if (live.length > 1) world.broken.push(`I1: ${live.map(([name]) => name).join(' and ')}`)
}

/** Steps 0 to 6 of docs/provisioning.md. `fails`: the region fails before the commit. */
function* attempt(
  world: World,
  it: { key: string | undefined; region: string; fails: boolean; rule: Reprovisioning },
): Process {
  world.made += 1
  const attemptId = `a${world.made}`
  const target = { region: it.region, placement: { reason: 'nearest' } }
  const key = it.key === undefined ? {} : { csrThumbprint: it.key }
  const ask = {
    type: 'ask',
    attemptId,
    target,
    leaseSeconds,
    reprovisioning: it.rule,
    ...key,
  } as const
  const read = world.record
  yield
  const outcome = transition(read, ask, world.now)
  if (outcome.type === 'answer') {
    if (outcome.assignment.attached) return
    attach(world, outcome.assignment.certificateId)
    yield
    apply(world, read, { type: 'confirm', certificateId: outcome.assignment.certificateId })
    return
  }
  if (outcome.type !== 'write' || !swap(world, read, outcome.next)) return
  const claimed = outcome.next
  yield
  const id = `c-${attemptId}`
  world.certificates.set(id, { region: it.region, key: it.key, active: true, attached: false })
  yield
  for (const old of claimed.superseded) {
    deactivate(world, old.certificateId)
    yield
  }
  const commit = {
    type: 'commit',
    attemptId,
    certificateId: id,
    certificatePem: 'PEM',
    ...key,
  } as const
  const committed = it.fails ? undefined : apply(world, claimed, commit)
  yield
  if (committed === undefined) {
    // A consistent read, or its own failure, says that this certificate will never be named.
    deactivate(world, id)
    world.certificates.delete(id)
    yield
    apply(world, claimed, { type: 'release', attemptId })
    return
  }
  attach(world, id)
}

function* operator(world: World, event: 'block' | 'move', region: string): Process {
  world.made += 1
  const attemptId = `op${world.made}`
  const read = world.record
  yield
  const order =
    event === 'block'
      ? ({ type: 'block', attemptId } as const)
      : ({ type: 'move', attemptId, region } as const)
  const next = apply(world, read, order)
  if (event === 'move' || next === undefined) return
  for (const { certificateId } of next.superseded) {
    yield
    deactivate(world, certificateId)
  }
}

/** Observes the region first, then reads the record; destroys what the real `judge` condemns. */
function* sweeper(world: World): Process {
  world.made += 1
  const expire = { type: 'expire', attemptId: `s${world.made}`, leaseSeconds } as const
  apply(world, world.record, expire)
  yield
  for (const [id, seen] of [...world.certificates]) {
    const { region, active, attached, key } = { ...seen }
    yield
    const record = world.record
    const names = record.certificateId === id
    const lists = record.superseded.some((entry) => entry.certificateId === id)
    const verdict = judge(
      {
        region,
        certificateId: id,
        active,
        createdAt: 0,
        things: attached ? ['dev1'] : [],
        policies: attached ? ['LandfallDevice'] : [],
        keyThumbprint: key ?? id,
      },
      {
        namedBy: names ? record : undefined,
        supersededBy: lists ? record : undefined,
        things: attached ? [{ thingName: 'dev1', row: { type: 'record', record } }] : [],
        sameKey: key !== undefined && record.csrThumbprint === key && !names ? record : undefined,
        attemptsSince: record.status === 'provisioning' ? 0 : undefined,
      },
      {
        now: world.now,
        olderThanSeconds: 0,
        leaseSeconds,
        dedicated: true,
        policyName: 'LandfallDevice',
        absentToo: false,
      },
    )
    yield
    if (verdict.type === 'finish') {
      if (!verdict.attached) attach(world, id)
      yield
      apply(world, verdict.record, { type: 'confirm', certificateId: id })
    }
    if (verdict.type !== 'destroy') continue
    deactivate(world, id)
    yield
    world.certificates.delete(id)
    yield
    apply(world, world.record, { type: 'forget', certificate: { region, certificateId: id } })
  }
}

const rules: Reprovisioning[] = [
  { rule: 'refuse', redeliverSeconds: 0 },
  { rule: 'refuse', redeliverSeconds: 120 },
  { rule: 'replace', redeliverSeconds: 0 },
]
const region = fc.constantFrom('eu-west-1', 'us-east-1')
const attempts = fc.record({
  key: fc.constantFrom('key1', 'key2', undefined),
  region,
  fails: fc.boolean(),
  rule: fc.constantFrom(...rules),
})
type Start = (world: World) => Process
const starts: fc.Arbitrary<Start> = fc.oneof(
  { weight: 5, arbitrary: attempts.map((it) => (world: World) => attempt(world, it)) },
  { weight: 2, arbitrary: fc.constant((world: World) => sweeper(world)) },
  { weight: 1, arbitrary: region.map((to) => (world: World) => operator(world, 'move', to)) },
  { weight: 1, arbitrary: region.map((to) => (world: World) => operator(world, 'block', to)) },
)
/** Which of the processes goes on, whether it dies instead, and how many seconds pass before. */
const moves = fc.array(
  fc.tuple(
    fc.nat({ max: 7 }),
    fc.constantFrom(false, false, false, false, true),
    fc.constantFrom(0, 0, 0, 1, 61, 130),
  ),
  { maxLength: 120 },
)

function run(
  world: World,
  begun: readonly Start[],
  schedule: readonly [number, boolean, number][],
) {
  const waiting = [...begun]
  const running: Process[] = []
  for (const [choice, dies, seconds] of schedule) {
    world.now += seconds * 1000
    const slot = choice % Math.max(1, running.length + (waiting.length > 0 ? 1 : 0))
    const next = waiting[0]
    if (slot >= running.length && next !== undefined) {
      running.push(next(world))
      waiting.shift()
    }
    const process = running[slot]
    if (process === undefined) continue
    if (dies || process.next().done === true) running.splice(slot, 1)
  }
  for (const process of running) while (process.next().done !== true);
}

const toTheEnd = (process: Process) => {
  while (process.next().done !== true);
}

describe('attempts, an operator and the sweeper in any order', () => {
  it('never have two live identities, and never kill one that the record names', () => {
    fc.assert(
      fc.property(fc.array(starts, { minLength: 2, maxLength: 8 }), moves, (begun, schedule) => {
        const world = newWorld()
        run(world, begun, schedule)
        expect(world.broken).toEqual([])
      }),
      { numRuns: 5000 },
    )
  })

  it('settle: an allowed device that keeps asking has one usable identity, and nothing else stands', () => {
    fc.assert(
      fc.property(fc.array(starts, { minLength: 2, maxLength: 8 }), moves, (begun, schedule) => {
        const world = newWorld()
        run(world, begun, schedule)
        const rule: Reprovisioning = { rule: 'replace', redeliverSeconds: 0 }
        const asking = { key: 'key1', region: 'eu-west-1', fails: false, rule }
        for (let round = 0; round < 3; round += 1) {
          world.now += 200_000
          toTheEnd(sweeper(world))
          toTheEnd(attempt(world, asking))
        }
        world.now += 200_000
        toTheEnd(sweeper(world))
        expect(world.broken).toEqual([])
        const live = [...world.certificates].filter(([, it]) => it.active && it.attached)
        const { status, certificateId, csrThumbprint, superseded } = world.record
        if (status === 'blocked') expect(live).toEqual([])
        else {
          expect([status, csrThumbprint]).toEqual(['provisioned', 'key1'])
          expect(live.map(([id]) => id)).toEqual([certificateId])
          expect([...world.certificates.keys()]).toEqual([certificateId])
        }
        expect(superseded).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })
})

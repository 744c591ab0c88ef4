// One model of everybody who writes: whoever is left out of a file could not be interleaved in it.

import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DeviceEvent, Reprovisioning } from '../../../app/provisioning/device-event.ts'
import { allowedDevice, type DeviceRecord } from '../../../app/provisioning/device-record.ts'
import { judge, type RowRead } from '../../../app/provisioning/judge.ts'
import { transition } from '../../../app/provisioning/transition.ts'

/**
 * Several attempts, operators and the sweeper over one record, a step at a time in any order, each of
 * them free to die between two steps. A step is one call: what a process decides on may be old by the
 * time it acts. The record is compared and swapped as the table does it: on revision and status, and only
 * what differs is written; a row that was removed and added anew is another one.
 */
type Certificate = { region: string; key: string | undefined; active: boolean; attached: boolean }
type World = {
  now: number
  record: DeviceRecord | undefined
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

/** Whether the row is, to the table's condition, still the one that was read. */
function holds({ record }: World, previous: DeviceRecord): boolean {
  return record?.rev === previous.rev && record?.status === previous.status
}

/** One UpdateItem: what differs is written, where the condition holds; true where it landed. */
function swap(world: World, previous: DeviceRecord, next: DeviceRecord): boolean {
  if (!holds(world, previous)) return false
  const [before, after] = [new Map(Object.entries(previous)), new Map(Object.entries(next))]
  const row = new Map(Object.entries(world.record ?? {}))
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    if (isDeepStrictEqual(before.get(name), after.get(name))) continue
    const value = after.get(name)
    if (value !== undefined) row.set(name, value)
    else row.delete(name)
  }
  world.record = Object.fromEntries(row) as DeviceRecord
  return true
}

/** One DeleteItem. Whoever takes a row away has seen to it that nothing of it is usable. */
function remove(world: World, previous: DeviceRecord): boolean {
  if (!holds(world, previous)) return false
  world.record = undefined
  const live = liveOf(world)
  if (live.length > 0) world.broken.push(`removed, and ${live.join(' and ')} is usable`)
  return true
}

function apply(
  world: World,
  previous: DeviceRecord | undefined,
  event: DeviceEvent,
): DeviceRecord | undefined {
  if (previous === undefined) return undefined
  const outcome = transition(previous, event, world.now)
  if (outcome.type !== 'write') return undefined
  return swap(world, previous, outcome.next) ? outcome.next : undefined
}

function deactivate(world: World, id: string): void {
  const { record } = world
  if (record?.certificateId === id && record.status === 'provisioned') {
    world.broken.push(`K1: ${id} was deactivated while the record named it`)
  }
  const certificate = world.certificates.get(id)
  if (certificate !== undefined) certificate.active = false
}

function attach(world: World, id: string): void {
  const { record } = world
  const certificate = world.certificates.get(id)
  if (certificate === undefined) return
  certificate.attached = true
  const known = [record?.certificateId, ...(record?.superseded ?? []).map((it) => it.certificateId)]
  if (certificate.active && !known.includes(id)) {
    world.broken.push(`I4: ${id} was attached, and no record knows it`)
  }
  const live = liveOf(world)
  if (live.length > 1) world.broken.push(`I1: ${live.join(' and ')}`)
  if (record?.certificateId === id && record.region !== certificate.region) {
    world.broken.push(`I5: ${id} is recorded in ${record.region}, not ${certificate.region}`)
  }
}

function liveOf({ certificates }: World): string[] {
  return [...certificates].flatMap(([id, it]) => (it.active && it.attached ? [id] : []))
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
    by: 'test',
    attemptId,
    target,
    leaseSeconds,
    reprovisioning: it.rule,
    ...key,
  } as const
  const read = world.record
  yield
  if (read === undefined) return
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
    by: 'test',
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
    apply(world, claimed, { type: 'release', by: 'test', attemptId })
    return
  }
  attach(world, id)
}

/** As `giveOrder` does: read, decide, write; a lost race ends it here, since another process may begin. */
function* order(world: World, event: DeviceEvent): Generator<void, DeviceRecord | undefined, void> {
  const read = world.record
  yield
  return apply(world, read, event)
}

const newOrder = (world: World) => {
  world.made += 1
  return { by: 'operator', attemptId: `op${world.made}` }
}

/** INACTIVE, detached; what is superseded stays there for the sweeper. */
function* cutOff(world: World, ids: readonly string[]): Process {
  for (const id of ids) {
    deactivate(world, id)
    yield
    const certificate = world.certificates.get(id)
    if (certificate !== undefined) certificate.attached = false
    yield
  }
}

function* mover(world: World, region: string): Process {
  yield* order(world, { type: 'move', ...newOrder(world), region })
}

function* unblocker(world: World): Process {
  yield* order(world, { type: 'unblock', ...newOrder(world) })
}

/** `blockDevice`: gives back the record that it wrote, or found. */
function* blocker(world: World): Generator<void, DeviceRecord | undefined, void> {
  const found = world.record
  const written = yield* order(world, { type: 'block', ...newOrder(world) })
  const done = found?.status === 'blocked' && found.certificateId === undefined
  const record = written ?? (done ? found : undefined)
  if (record === undefined) return undefined
  yield
  const listed = record.superseded.map((it) => it.certificateId)
  const attached = [...world.certificates].filter(([, it]) => it.attached).map(([id]) => id)
  yield* cutOff(world, listed)
  const hanging = attached.filter((id) => !listed.includes(id))
  if (hanging.length > 0 && world.record?.status === 'blocked') {
    yield
    yield* cutOff(world, hanging)
  }
  return record
}

function* resetter(world: World): Process {
  const event = { type: 'reset', ...newOrder(world), leaseSeconds: 15 } as const
  const next = yield* order(world, event)
  if (next === undefined) return
  yield
  yield* cutOff(
    world,
    next.superseded.map((it) => it.certificateId),
  )
  yield* order(world, { type: 'free', attemptId: event.attemptId })
}

function* remover(world: World): Process {
  const read = world.record
  yield
  if (read === undefined) return
  const bare = read.status === 'unprovisioned' && read.region === undefined
  if (bare && read.superseded.length === 0 && read.certificateId === undefined) {
    if (remove(world, read)) return
  }
  yield
  const blocked = yield* blocker(world)
  for (const certificate of blocked?.superseded ?? []) {
    yield
    world.certificates.delete(certificate.certificateId)
    yield
    yield* order(world, { type: 'forget', certificate })
  }
  yield
  const last = world.record
  yield
  if (blocked === undefined || last?.status !== 'blocked') return
  if (last.certificateId === undefined && last.superseded.length === 0) remove(world, last)
}

function* adder(world: World): Process {
  yield
  world.record ??= allowedDevice('dev1', world.now)
}

/** Observes the region first, then reads the record; destroys what the real `judge` condemns. */
function* sweeper(world: World): Process {
  world.made += 1
  const expire = { type: 'expire', by: 'test', attemptId: `s${world.made}`, leaseSeconds } as const
  apply(world, world.record, expire)
  yield
  for (const certificate of world.record?.superseded ?? []) {
    if (world.certificates.has(certificate.certificateId)) continue
    yield
    apply(world, world.record, { type: 'forget', certificate })
    yield
  }
  for (const [id, seen] of [...world.certificates]) {
    const { region, active, attached, key } = { ...seen }
    yield
    const record = world.record
    const names = record?.certificateId === id
    const lists = record?.superseded.some((entry) => entry.certificateId === id) === true
    const row = record === undefined ? ({ type: 'absent' } as const) : readOf(record)
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
        things: attached ? [{ thingName: 'dev1', row }] : [],
        sameKey: key !== undefined && record?.csrThumbprint === key && !names ? record : undefined,
        attemptsSince: record?.status === 'provisioning' ? 0 : undefined,
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

function readOf(record: DeviceRecord): RowRead {
  return { type: 'record', record }
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
  { weight: 1, arbitrary: region.map((to) => (world: World) => mover(world, to)) },
  {
    weight: 5,
    arbitrary: fc.constantFrom<Start>(
      (world) => quietly(blocker(world)),
      unblocker,
      resetter,
      remover,
      adder,
    ),
  },
)

function* quietly(process: Generator<void, unknown, void>): Process {
  yield* process
}

/** Which of the processes goes on, whether it dies instead, and how many seconds pass before. */
const moves = fc.array(
  fc.tuple(
    fc.nat({ max: 7 }),
    fc.constantFrom(false, false, false, false, true),
    fc.constantFrom(0, 0, 0, 1, 61, 130),
  ),
  { minLength: 40, maxLength: 160, size: 'max' },
)
/** Many at once, and often on a device that is provisioned already. */
const begins = fc.record({
  provisioned: fc.boolean(),
  begun: fc.array(starts, { minLength: 3, maxLength: 9, size: 'max' }),
})

function run(
  world: World,
  begun: readonly Start[],
  schedule: readonly [number, boolean, number][],
) {
  const waiting = [...begun]
  const running: Process[] = []
  for (const [choice, dies, seconds] of schedule) {
    // No two writes of one row are in the same millisecond.
    world.now += seconds * 1000 + 1
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
  for (const process of running) while (process.next().done !== true) world.now += 1
}

function recordOf({ record }: World): DeviceRecord {
  if (record === undefined) throw new Error('the row is gone')
  return record
}

const first = {
  key: 'key1',
  region: 'eu-west-1',
  fails: false,
  rule: { rule: 'refuse', redeliverSeconds: 0 },
} as const

const toTheEnd = (process: Process) => {
  while (process.next().done !== true);
}

describe('attempts, operators and the sweeper in any order', () => {
  it('never have two live identities, and never kill one that the record names', () => {
    fc.assert(
      fc.property(begins, moves, ({ provisioned, begun }, schedule) => {
        const world = newWorld()
        if (provisioned) toTheEnd(attempt(world, first))
        run(world, begun, schedule)
        expect(world.broken).toEqual([])
      }),
      { numRuns: 5000 },
    )
  })

  it('settle: an allowed device that keeps asking has one usable identity, and nothing else stands', () => {
    fc.assert(
      fc.property(begins, moves, ({ provisioned, begun }, schedule) => {
        const world = newWorld()
        if (provisioned) toTheEnd(attempt(world, first))
        run(world, begun, schedule)
        world.now += 1
        toTheEnd(adder(world))
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
        const { status, certificateId, csrThumbprint, superseded } = recordOf(world)
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

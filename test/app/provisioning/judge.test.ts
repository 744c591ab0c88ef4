// One table of evidence and verdicts: a case is read against the ones beside it.

// Long, as one table of every verdict with the properties that hold over it: they are read together.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  allowedDevice,
  type DeviceRecord,
  deviceStatuses,
} from '../../../app/provisioning/device-record.ts'
import {
  type Evidence,
  type JudgeRules,
  judge,
  leaseHolds,
  type RowRead,
} from '../../../app/provisioning/judge.ts'
import type { ObservedCertificate } from '../../../regions/iot-audit.ts'

const now = Date.parse('2026-06-01T12:00:00Z')
const hour = 3_600_000
const rules: JudgeRules = {
  now,
  olderThanSeconds: 3600,
  leaseSeconds: 60,
  dedicated: false,
  policyName: 'LandfallDevice',
  absentToo: false,
}
const stray: ObservedCertificate = {
  region: 'eu-west-1',
  certificateId: 'c1',
  active: true,
  createdAt: now - 2 * hour,
  things: [],
  policies: [],
  keyThumbprint: 'key1',
}
const attached = { ...stray, things: ['dev1'], policies: ['LandfallDevice'] }
const unattached = { ...stray, policies: ['LandfallDevice'] }
const foreignPolicy = { ...attached, policies: ['LandfallDevice', 'Other'] }
const allowed = allowedDevice('dev1', now - 3 * hour)
const naming = (changes: Partial<DeviceRecord> = {}): DeviceRecord => ({
  ...allowed,
  status: 'provisioned',
  region: 'eu-west-1',
  certificateId: 'c1',
  statusSince: now - hour,
  attachedAt: now - hour,
  ...changes,
})
const other = naming({ certificateId: 'c2' })
const { attachedAt: _, ...unconfirmed } = naming()
const { certificateId: _id, ...bySeed } = naming()
const provisioning = (leaseUntil: number): DeviceRecord => ({
  ...allowed,
  status: 'provisioning',
  attemptId: 'a1',
  leaseUntil,
})
const blocked: DeviceRecord = { ...allowed, status: 'blocked' }
const listing = (record: DeviceRecord): DeviceRecord => ({
  ...record,
  superseded: [{ region: 'eu-west-1', certificateId: 'c1' }],
})
const rowOf = (record: DeviceRecord): Evidence => ({
  things: [{ thingName: 'dev1', row: { type: 'record', record } }],
})
const noRow = (type: 'absent' | 'unreadable'): Evidence => ({
  things: [{ thingName: 'dev1', row: { type } }],
})
const none: Evidence = { things: [] }
const destroy = (why: string) => ({ type: 'destroy', why, thingName: 'dev1' })
const report = (what: string) => ({ type: 'report', what, thingName: 'dev1' })
const settled = { type: 'keep', settled: true }
const later = { type: 'keep', settled: false }

describe('judge', () => {
  it.each<[string, ObservedCertificate, Evidence, Partial<JudgeRules>, object]>([
    [
      'keeps what is recorded, attached and confirmed',
      attached,
      { ...none, namedBy: naming() },
      {},
      settled,
    ],
    [
      'reports a recorded one that a hand deactivated',
      { ...attached, active: false },
      { ...none, namedBy: naming() },
      {},
      report('inactive'),
    ],
    [
      'reports a confirmed one that lost its policy',
      { ...attached, policies: [] },
      { ...none, namedBy: naming() },
      {},
      report('detached'),
    ],
    [
      'reports a confirmed one that lost its thing',
      unattached,
      { ...none, namedBy: naming() },
      {},
      report('detached'),
    ],
    [
      'confirms what is attached',
      attached,
      { ...none, namedBy: unconfirmed },
      {},
      { type: 'finish', record: unconfirmed, attached: true },
    ],
    [
      'attaches what was never attached',
      stray,
      { ...none, namedBy: unconfirmed },
      {},
      { type: 'finish', record: unconfirmed, attached: false },
    ],
    [
      'attaches what has a policy but no thing',
      unattached,
      { ...none, namedBy: unconfirmed },
      {},
      { type: 'finish', record: unconfirmed, attached: false },
    ],
    [
      'leaves to its attempt what was just committed',
      stray,
      { ...none, namedBy: { ...unconfirmed, statusSince: now - 30_000 } },
      {},
      later,
    ],
    [
      'keeps what a hand freed',
      attached,
      { ...none, namedBy: naming({ status: 'unprovisioned' }) },
      {},
      later,
    ],
    [
      'destroys what a hand blocked',
      attached,
      { ...none, namedBy: naming({ status: 'blocked' }) },
      {},
      destroy('blocked'),
    ],
    [
      'destroys what is superseded',
      attached,
      { ...none, supersededBy: listing(other) },
      {},
      destroy('superseded'),
    ],
    [
      'destroys what is superseded, whatever hangs on it',
      foreignPolicy,
      { ...none, supersededBy: listing(other) },
      {},
      destroy('superseded'),
    ],
    [
      'leaves what an attempt supersedes to it',
      attached,
      { ...none, supersededBy: listing(provisioning(now + 1)) },
      {},
      later,
    ],
    [
      'destroys what hangs on a device with another certificate',
      attached,
      rowOf(other),
      {},
      destroy('replaced'),
    ],
    ['destroys what hangs on a blocked device', attached, rowOf(blocked), {}, destroy('blocked')],
    [
      'reports rather than destroys what has a policy of somebody else',
      foreignPolicy,
      rowOf(other),
      {},
      report('foreign-policy'),
    ],
    [
      'keeps what hangs on a device that the seed provisioned',
      attached,
      rowOf(bySeed),
      {},
      settled,
    ],
    [
      'leaves what hangs on a device under a live lease',
      attached,
      rowOf(provisioning(now + 1)),
      {},
      later,
    ],
    [
      'leaves what hangs on a device under an ended lease, until that is won',
      attached,
      rowOf(provisioning(now - 1)),
      {},
      later,
    ],
    [
      'reports what hangs on a device that is not provisioned',
      attached,
      rowOf(allowed),
      {},
      report('unrecorded'),
    ],
    [
      'reports what hangs on a thing without a row',
      attached,
      noRow('absent'),
      {},
      report('absent-row'),
    ],
    [
      'destroys that only where it is told to',
      attached,
      noRow('absent'),
      { absentToo: true },
      destroy('absent-row'),
    ],
    [
      'and not while it is young',
      { ...attached, createdAt: now - 1 },
      noRow('absent'),
      { absentToo: true },
      later,
    ],
    [
      'keeps what is not ours on a thing without a row',
      { ...attached, policies: ['Other'] },
      noRow('absent'),
      { absentToo: true },
      settled,
    ],
    [
      'reports what hangs on a thing whose row is none',
      attached,
      noRow('unreadable'),
      { absentToo: true },
      report('unreadable-row'),
    ],
    [
      'destroys a stray whose key has another certificate',
      stray,
      { ...none, sameKey: other },
      {},
      destroy('same-key'),
    ],
    [
      'destroys a stray in a dedicated region',
      stray,
      none,
      { dedicated: true },
      { type: 'destroy', why: 'unattached' },
    ],
    [
      'destroys one with our policy there',
      unattached,
      none,
      { dedicated: true },
      { type: 'destroy', why: 'unattached' },
    ],
    [
      'keeps one with a policy of somebody else',
      { ...stray, policies: ['Other'] },
      { ...none, sameKey: other },
      { dedicated: true },
      settled,
    ],
    ['reports any other stray', stray, none, {}, { type: 'report', what: 'unknown' }],
    [
      'leaves a young stray',
      { ...stray, createdAt: now - hour + 1 },
      { ...none, sameKey: other },
      { dedicated: true },
      later,
    ],
    [
      'leaves a stray that an open attempt may have made',
      stray,
      { ...none, sameKey: other, attemptsSince: stray.createdAt },
      { dedicated: true },
      later,
    ],
    [
      'destroys one that is older than every open attempt',
      stray,
      { ...none, sameKey: other, attemptsSince: stray.createdAt + 1 },
      {},
      destroy('same-key'),
    ],
  ])('%s', (_case, certificate, evidence, special, verdict) => {
    expect(judge(certificate, evidence, { ...rules, ...special })).toEqual(verdict)
  })

  it('destroys what hangs on several things only if each condemns it', () => {
    const two = { ...attached, things: ['dev1', 'dev2'] }
    const second = (row: RowRead): Evidence => ({
      things: [...rowOf(other).things, { thingName: 'dev2', row }],
    })
    const condemned = second({ type: 'record', record: blocked })
    expect(judge(two, condemned, rules)).toEqual(destroy('replaced'))
    const absent = judge(two, second({ type: 'absent' }), rules)
    expect(absent).toMatchObject({ type: 'report', what: 'absent-row' })
    const leased = second({ type: 'record', record: provisioning(now + 1) })
    expect(judge(two, leased, rules)).toEqual(later)
  })
})

describe('leaseHolds', () => {
  it.each([
    ['a live lease', provisioning(now + 1), true],
    ['an ended lease', provisioning(now), false],
    ['a lease absurdly far ahead', provisioning(now + 121_000), false],
    ['no lease at all', allowed, false],
  ])('%s: %s', (_, record, holds) => {
    expect(leaseHolds(record, 60, now)).toBe(holds)
  })
})

describe('whatever it sees and reads', () => {
  const ids = fc.constantFrom('c1', 'c2')
  const times = fc.integer({ min: -4 * hour, max: hour }).map((offset) => now + offset)
  const records: fc.Arbitrary<DeviceRecord> = fc
    .record({
      status: fc.constantFrom(...deviceStatuses),
      certificateId: fc.option(ids, { nil: undefined }),
      superseded: fc.array(
        ids.map((certificateId) => ({ region: 'eu-west-1', certificateId })),
        { maxLength: 2 },
      ),
      leaseUntil: times,
      statusSince: times,
      attachedAt: fc.option(times, { nil: undefined }),
    })
    .map(({ certificateId, attachedAt, ...it }) => ({
      ...allowed,
      ...it,
      ...(certificateId === undefined ? {} : { certificateId }),
      ...(attachedAt === undefined ? {} : { attachedAt }),
    }))
  const rows: fc.Arbitrary<RowRead> = fc.oneof(
    records.map((record) => ({ type: 'record', record }) as const),
    fc.constantFrom({ type: 'absent' } as const, { type: 'unreadable' } as const),
  )
  const certificates = fc.record({
    region: fc.constant('eu-west-1'),
    certificateId: fc.constant('c1'),
    active: fc.boolean(),
    createdAt: times,
    things: fc.subarray(['dev1', 'dev2']),
    policies: fc.subarray(['LandfallDevice', 'Other']),
    keyThumbprint: fc.constant('key1'),
  })
  const allRules = fc.record({
    now: fc.constant(now),
    olderThanSeconds: fc.constantFrom(900, 3600),
    leaseSeconds: fc.constant(60),
    dedicated: fc.boolean(),
    policyName: fc.constant('LandfallDevice'),
    absentToo: fc.boolean(),
  })
  const cases = fc
    .tuple(certificates, rows, rows, fc.option(times, { nil: undefined }), allRules)
    .map(([it, first, second, attemptsSince, theRules]) => {
      const read = it.things.map((thingName, at) => ({ thingName, row: at === 0 ? first : second }))
      // As the flow gathers it: what any of the rows says.
      const found = [first, second].flatMap((row) => (row.type === 'record' ? [row.record] : []))
      const evidence: Evidence = {
        things: read,
        namedBy: found.find((record) => record.certificateId === it.certificateId),
        supersededBy: found.find((record) =>
          record.superseded.some((entry) => entry.certificateId === it.certificateId),
        ),
        sameKey: found.find((record) => record.certificateId === 'c2'),
        attemptsSince,
      }
      return { it, evidence, rules: theRules }
    })
  const check = (
    property: (given: { it: ObservedCertificate; evidence: Evidence; rules: JudgeRules }) => void,
  ) => fc.assert(fc.property(cases, property), { numRuns: 5000 })

  it('never destroys the certificate that a record names, unless that is blocked', () => {
    check(({ it, evidence, rules: theRules }) => {
      if (evidence.namedBy === undefined || evidence.namedBy.status === 'blocked') return
      expect(judge(it, evidence, theRules).type).not.toBe('destroy')
    })
  })

  it('never destroys on an absent row, unless it is told to', () => {
    check(({ it, evidence, rules: theRules }) => {
      const absent = evidence.things.some(({ row }) => row.type !== 'record')
      const positive = evidence.supersededBy !== undefined || evidence.namedBy !== undefined
      if (!absent || positive) return
      expect(judge(it, evidence, { ...theRules, absentToo: false }).type).not.toBe('destroy')
    })
  })

  it('leaves alone what a live lease may cover', () => {
    check(({ it, evidence, rules: theRules }) => {
      const verdict = judge(it, evidence, theRules)
      const held = evidence.things.some(
        ({ row }) => row.type === 'record' && leaseHolds(row.record, 60, now),
      )
      const { attemptsSince, namedBy, supersededBy } = evidence
      const covered =
        it.things.length === 0 && attemptsSince !== undefined && it.createdAt >= attemptsSince
      if (namedBy !== undefined || supersededBy !== undefined) return
      if (held || covered) expect(['keep', 'report']).toContain(verdict.type)
    })
  })

  it('attaches nothing but a provisioned record’s own certificate', () => {
    check(({ it, evidence, rules: theRules }) => {
      const verdict = judge(it, evidence, theRules)
      if (verdict.type !== 'finish') return
      expect(verdict.record).toMatchObject({ status: 'provisioned', certificateId: 'c1' })
      expect(it.active).toBe(true)
    })
  })
})

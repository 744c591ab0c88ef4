// One state machine, event by event, from the same records; its properties over many events are at the end.

// Long, as one machine: every event in every state, and the properties that hold over all of them.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DeviceEvent, Reprovisioning } from '../../../app/provisioning/device-event.ts'
import {
  allowedDevice,
  type DeviceRecord,
  historyLimit,
  supersededLimit,
} from '../../../app/provisioning/device-record.ts'
import { transition } from '../../../app/provisioning/transition.ts'

const now = Date.parse('2026-06-01T12:00:00Z')
const leaseSeconds = 60
const fresh = allowedDevice('dev1', now - 1000)

const refuseAtOnce: Reprovisioning = { rule: 'refuse', redeliverSeconds: 0 }
const redeliver: Reprovisioning = { rule: 'refuse', redeliverSeconds: 120 }
const replace: Reprovisioning = { rule: 'replace', redeliverSeconds: 0 }

function ask(
  attemptId: string,
  csrThumbprint?: string,
  region = 'eu-west-1',
  reprovisioning = refuseAtOnce,
): DeviceEvent {
  const target = { region, placement: { reason: 'nearest: 5 km', distanceKm: 5 } }
  const key = csrThumbprint === undefined ? {} : { csrThumbprint }
  return { type: 'ask', by: 'test', attemptId, target, leaseSeconds, reprovisioning, ...key }
}

function commit(attemptId: string, certificateId: string, csrThumbprint?: string): DeviceEvent {
  const key = csrThumbprint === undefined ? {} : { csrThumbprint }
  return { type: 'commit', by: 'test', attemptId, certificateId, certificatePem: 'PEM', ...key }
}

function advance(record: DeviceRecord, event: DeviceEvent, at = now): DeviceRecord {
  const outcome = transition(record, event, at)
  if (outcome.type !== 'write') throw new Error(`${event.type} ended as ${outcome.type}`)
  return outcome.next
}

const claimed = advance(fresh, ask('a1', 'key1'))
const provisioned = advance(claimed, commit('a1', 'cert1', 'key1'))

describe('ask', () => {
  it('claims an unprovisioned device under a lease', () => {
    expect(claimed).toMatchObject({
      status: 'provisioning',
      attemptId: 'a1',
      region: 'eu-west-1',
      leaseUntil: now + 60_000,
      attempts: 1,
      rev: now - 999,
    })
  })

  it('writes the default product down, and leaves another one alone', () => {
    expect(claimed.product).toBe('default')
    expect(advance({ ...fresh, product: 'pump' }, ask('a1')).product).toBe('pump')
  })

  it('is told to wait for the rest of a live lease', () => {
    expect(transition(claimed, ask('a2'), now + 20_500)).toEqual({
      type: 'refuse',
      refusal: { reason: 'in-progress', retryAfterSeconds: 40 },
    })
  })

  it.each([
    ['that ended', now + 60_000],
    ['absurdly far ahead', now - 60_001],
  ])('takes over a lease %s', (_, at) => {
    expect(advance(claimed, ask('a2'), at)).toMatchObject({ attemptId: 'a2', attempts: 2 })
  })

  it('takes over a claim without a lease, as only a hand writes it', () => {
    const byHand: DeviceRecord = { ...fresh, status: 'provisioning' }
    expect(advance(byHand, ask('a2')).attemptId).toBe('a2')
  })

  it('gives the same key its certificate again', () => {
    expect(transition(provisioned, ask('a2', 'key1'), now)).toEqual({
      type: 'answer',
      assignment: {
        region: 'eu-west-1',
        certificateId: 'cert1',
        certificatePem: 'PEM',
        attached: false,
        placement: { reason: 'nearest: 5 km', distanceKm: 5 },
      },
    })
  })

  it.each([
    ['another key', 'key2'],
    ['no key', undefined],
  ])('is refused with %s once provisioned', (_, key) => {
    expect(transition(provisioned, ask('a2', key), now)).toEqual({
      type: 'refuse',
      refusal: { reason: 'already-provisioned' },
    })
  })

  it('is refused without a key where AWS IoT made the key', () => {
    const keyless = advance(advance(fresh, ask('a1')), commit('a1', 'cert1'))
    expect(transition(keyless, ask('a2'), now).type).toBe('refuse')
  })

  it('is refused on a row that the seed provisioned', () => {
    const bySeed: DeviceRecord = {
      thingName: 'dev1',
      status: 'provisioned',
      region: 'us-east-2',
      superseded: [],
      history: [],
    }
    expect(transition(bySeed, ask('a1', 'key1'), now).type).toBe('refuse')
  })

  it('is refused when blocked, whatever the key', () => {
    const blocked = advance(provisioned, { type: 'block', by: 'test', attemptId: 'op1' })
    expect(transition(blocked, ask('a2', 'key1'), now)).toEqual({
      type: 'refuse',
      refusal: { reason: 'blocked' },
    })
  })

  it('keeps a certificate that a hand left on an unprovisioned row, as superseded', () => {
    const byHand: DeviceRecord = { ...provisioned, status: 'unprovisioned' }
    const next = advance(byHand, ask('a2', 'key2', 'us-east-1'))
    expect(next.superseded).toEqual([{ region: 'eu-west-1', certificateId: 'cert1' }])
    expect(next).not.toHaveProperty('certificateId')
    expect(next).not.toHaveProperty('csrThumbprint')
    expect(next.region).toBe('us-east-1')
  })
})

describe('commit', () => {
  it("makes the attempt's certificate the device's identity", () => {
    expect(provisioned).toMatchObject({
      status: 'provisioned',
      certificateId: 'cert1',
      csrThumbprint: 'key1',
      statusSince: now,
      rev: now - 998,
    })
    expect(provisioned).not.toHaveProperty('leaseUntil')
  })

  it('is done where the record names the certificate already', () => {
    expect(transition(provisioned, commit('a1', 'cert1', 'key1'), now)).toEqual({ type: 'done' })
  })

  it.each<[string, DeviceRecord]>([
    ['taken over', advance(claimed, ask('a2'), now + 61_000)],
    ['blocked', advance(claimed, { type: 'block', by: 'test', attemptId: 'op1' })],
    ['released', advance(claimed, { type: 'release', by: 'test', attemptId: 'a1' })],
    ['committed with another certificate', advance(claimed, commit('a1', 'cert2'))],
  ])('is lost once the record was %s', (_, record) => {
    expect(transition(record, commit('a1', 'cert1'), now)).toEqual({ type: 'lost' })
  })
})

describe('a provisioned device that asks without its key', () => {
  const other = (reprovisioning: Reprovisioning) => ask('a2', 'key2', 'us-east-1', reprovisioning)

  it('is replaced while its answer may have been lost, whatever the rule', () => {
    const next = advance(provisioned, other(redeliver), now + 119_000)
    expect(next).toMatchObject({ status: 'provisioning', attemptId: 'a2', region: 'us-east-1' })
    expect(next.superseded).toEqual([{ region: 'eu-west-1', certificateId: 'cert1' }])
    expect(transition(provisioned, other(redeliver), now + 120_000).type).toBe('refuse')
    expect(transition(provisioned, other(refuseAtOnce), now).type).toBe('refuse')
  })

  it('is replaced at any time under the rule replace', () => {
    const next = advance(provisioned, other(replace), now + 1e9)
    expect(next.superseded).toEqual([{ region: 'eu-west-1', certificateId: 'cert1' }])
  })

  it('still gets its certificate again with the same key', () => {
    expect(transition(provisioned, ask('a2', 'key1', 'eu-west-1', replace), now).type).toBe(
      'answer',
    )
  })

  it('is not replaced where the record names no certificate', () => {
    const { certificateId: _, ...bySeed } = provisioned
    expect(transition(bySeed, other(replace), now).type).toBe('refuse')
    expect(transition(bySeed, other(redeliver), now).type).toBe('refuse')
  })

  it('waits for the sweeper once ten certificates do', () => {
    const superseded = Array.from({ length: supersededLimit }, (_, index) => ({
      region: 'eu-west-1',
      certificateId: `old-${index}`,
    }))
    expect(transition({ ...provisioned, superseded }, other(replace), now)).toEqual({
      type: 'refuse',
      refusal: { reason: 'too-many-superseded' },
    })
  })
})

describe('move', () => {
  const toTokyo = { type: 'move', by: 'test', attemptId: 'op1', region: 'ap-northeast-1' } as const

  it('leaves a provisioned device what it has, and replaces it at its next request', () => {
    const moved = advance(provisioned, toTokyo)
    expect(moved).toMatchObject({ status: 'provisioned', certificateId: 'cert1' })
    const next = advance(moved, ask('a2', 'key1', 'ap-northeast-1'))
    expect(next.superseded).toEqual([{ region: 'eu-west-1', certificateId: 'cert1' }])
    const landed = advance(next, commit('a2', 'cert2', 'key1'))
    expect(transition(landed, ask('a3', 'key1', 'ap-northeast-1'), now).type).toBe('answer')
  })

  it('takes the record from an attempt under way', () => {
    const moved = advance(claimed, toTokyo)
    expect(moved.status).toBe('unprovisioned')
    expect(transition(moved, commit('a1', 'cert1'), now).type).toBe('lost')
  })

  it('is done once, and never frees a blocked device', () => {
    expect(transition(advance(fresh, toTokyo), toTokyo, now).type).toBe('done')
    const blocked = advance(fresh, { type: 'block', by: 'test', attemptId: 'op2' })
    expect(transition(blocked, toTokyo, now).type).toBe('refuse')
  })

  it('is refused where the record names no certificate to replace', () => {
    const { certificateId: _, ...bySeed } = provisioned
    expect(transition(bySeed, toTokyo, now)).toEqual({
      type: 'refuse',
      refusal: { reason: 'no-certificate' },
    })
  })
})

describe('reset', () => {
  const reset = { type: 'reset', by: 'ada', attemptId: 'op1', leaseSeconds: 15 } as const
  const free = { type: 'free', attemptId: 'op1' } as const

  it('gives up the certificate and holds the record until it is freed', () => {
    const held = advance(provisioned, reset)
    expect(held).toMatchObject({
      status: 'provisioning',
      attemptId: 'op1',
      leaseUntil: now + 15_000,
      superseded: [{ region: 'eu-west-1', certificateId: 'cert1' }],
    })
    expect(transition(held, ask('a2', 'key1'), now + 1000)).toMatchObject({
      refusal: { reason: 'in-progress', retryAfterSeconds: 14 },
    })
    const freed = advance(held, free)
    expect(freed).toMatchObject({ status: 'unprovisioned', superseded: held.superseded })
    const next = advance(freed, ask('a2', 'key1'))
    expect(next).toMatchObject({ status: 'provisioning', superseded: held.superseded })
  })

  it('leaves what a dead attempt leaves, where it dies', () => {
    const held = advance(provisioned, reset)
    const next = advance(held, ask('a2', 'key2', 'us-east-1'), now + 15_000)
    expect(next.superseded).toEqual([{ region: 'eu-west-1', certificateId: 'cert1' }])
    expect(transition(next, free, now + 15_001)).toEqual({ type: 'lost' })
    const expire = { type: 'expire', by: 'sweeper', attemptId: 's1', leaseSeconds } as const
    expect(advance(held, expire, now + 15_000)).toMatchObject({
      status: 'unprovisioned',
      superseded: [{ region: 'eu-west-1', certificateId: 'cert1' }],
    })
  })

  it('takes the record from an attempt under way, which can’t commit any more', () => {
    const held = advance(claimed, reset)
    expect(transition(held, commit('a1', 'cert1'), now)).toEqual({ type: 'lost' })
    const freed = advance(held, free)
    expect(freed.superseded).toEqual([])
    // Nobody but the attempt named the region: a foreign thing there is none of ours.
    expect(freed).not.toHaveProperty('region')
  })

  it('keeps in mind where the device was, and the device’s own key, and outdates its requests', () => {
    const { publicKey } = { publicKey: { kty: 'OKP', crv: 'Ed25519', x: 'x' } as const }
    const before: DeviceRecord = { ...provisioned, publicKey, lastIat: now - 5000 }
    const freed = advance(advance(before, reset), free)
    expect(freed).toMatchObject({ region: 'eu-west-1', publicKey, lastIat: now })
    expect(freed).not.toHaveProperty('placement')
    expect(freed).not.toHaveProperty('certificateId')
    expect(freed).not.toHaveProperty('csrThumbprint')
  })

  it('has nothing to do for a device that has nothing', () => {
    expect(transition(fresh, reset, now)).toEqual({ type: 'done' })
  })

  it.each<[string, DeviceRecord]>([
    ['blocked', advance(provisioned, { type: 'block', by: 'test', attemptId: 'op' })],
    ['no-certificate', (({ certificateId: _, ...rest }) => rest)(provisioned)],
  ])('is refused as %s', (reason, record) => {
    expect(transition(record, reset, now)).toEqual({ type: 'refuse', refusal: { reason } })
  })
})

describe('unblock', () => {
  const block = { type: 'block', by: 'ada', attemptId: 'op1' } as const
  const unblock = { type: 'unblock', by: 'ada', attemptId: 'op2' } as const

  it('lets the device ask, and leaves superseded what it had', () => {
    const freed = advance(advance(provisioned, block), unblock)
    expect(freed).toMatchObject({
      status: 'unprovisioned',
      attemptId: 'op2',
      region: 'eu-west-1',
      superseded: [{ region: 'eu-west-1', certificateId: 'cert1' }],
    })
    expect(advance(freed, ask('a2', 'key1')).superseded).toEqual(freed.superseded)
  })

  it('forgets the region of an attempt that the block cut off', () => {
    const freed = advance(advance(claimed, block), unblock)
    expect(freed).not.toHaveProperty('region')
    expect(transition(freed, commit('a1', 'cert1'), now)).toEqual({ type: 'lost' })
    const before = advance({ ...fresh, region: 'us-east-1' }, ask('a1'))
    expect(advance(advance(before, block), unblock).region).toBe('us-east-1')
  })

  it('supersedes what a hand that blocked the row left in it', () => {
    const byHand: DeviceRecord = { ...provisioned, status: 'blocked' }
    expect(advance(byHand, unblock).superseded).toEqual([
      { region: 'eu-west-1', certificateId: 'cert1' },
    ])
    expect(advance({ ...claimed, status: 'blocked' }, unblock)).not.toHaveProperty('leaseUntil')
  })

  it.each([fresh, claimed, provisioned])('has nothing to do for one that isn’t blocked', (it) => {
    expect(transition(it, unblock, now)).toEqual({ type: 'done' })
  })
})

describe('the history', () => {
  it('tells who did what, when and where', () => {
    const seconds = (n: number) => now + n * 1000
    const by = 'arn:aws:iam::111122223333:user/ada'
    const steps: readonly [DeviceEvent, number][] = [
      [{ ...ask('a1', 'key1'), by: 'edge eu-west-1' } as DeviceEvent, 1],
      [{ ...commit('a1', 'cert1', 'key1'), by: 'edge eu-west-1' } as DeviceEvent, 2],
      [{ type: 'confirm', certificateId: 'cert1' }, 3],
      [{ type: 'move', by, attemptId: 'op1', region: 'us-east-1' }, 4],
      [{ type: 'reset', by, attemptId: 'op2', leaseSeconds: 15 }, 5],
      [{ type: 'free', attemptId: 'op2' }, 6],
      [{ type: 'block', by, attemptId: 'op3' }, 7],
      [{ type: 'unblock', by, attemptId: 'op4' }, 8],
    ]
    const end = steps.reduce(
      (record, [event, n]) => advance(record, event, seconds(n)),
      allowedDevice('dev1', now, { by }),
    )
    expect(end.history).toEqual([
      { at: now, event: 'allowed', by },
      { at: seconds(1), event: 'claimed', region: 'eu-west-1', by: 'edge eu-west-1' },
      { at: seconds(2), event: 'provisioned', region: 'eu-west-1', by: 'edge eu-west-1' },
      { at: seconds(4), event: 'moved', region: 'us-east-1', by },
      { at: seconds(5), event: 'reset', region: 'eu-west-1', by },
      { at: seconds(7), event: 'blocked', by },
      { at: seconds(8), event: 'unblocked', by },
    ])
  })
})

describe('revisions', () => {
  it('begin with the time, so that those of a removed row never come again', () => {
    const removed = advance(advance(fresh, ask('a1')), commit('a1', 'cert1'))
    const again = allowedDevice('dev1', now + 5)
    expect(again.rev).toBeGreaterThan(removed.rev ?? Number.POSITIVE_INFINITY)
    const { rev: _, ...byHand } = again
    expect(advance(byHand, ask('a2'), now + 5).rev).toBe(now + 6)
  })
})

describe('expire and forget', () => {
  const expire = { type: 'expire', by: 'test', attemptId: 's1', leaseSeconds } as const

  it('frees a device whose lease has ended, and keeps its attempt out', () => {
    expect(transition(claimed, expire, now + 59_999).type).toBe('lost')
    const freed = advance(claimed, expire, now + 60_000)
    expect(freed).toMatchObject({ status: 'unprovisioned', attemptId: 's1' })
    expect(transition(freed, commit('a1', 'cert1'), now).type).toBe('lost')
    expect(transition(provisioned, expire, now + 1e9).type).toBe('lost')
  })

  it('forgets one certificate, and leaves those that came meanwhile', () => {
    const gone = { region: 'eu-west-1', certificateId: 'old' }
    const other = { region: 'us-east-1', certificateId: 'old' }
    const record = { ...provisioned, superseded: [gone, other] }
    const next = advance(record, { type: 'forget', certificate: gone })
    expect(next.superseded).toEqual([other])
    expect(transition(next, { type: 'forget', certificate: gone }, now).type).toBe('done')
  })
})

describe('the region that a row named before an attempt', () => {
  const known: DeviceRecord = { ...fresh, region: 'eu-west-1' }

  it('outlives failed and abandoned attempts, and not the commit', () => {
    const first = advance(known, ask('a1', undefined, 'us-east-1'))
    expect(first).toMatchObject({ region: 'us-east-1', previousRegion: 'eu-west-1' })
    const second = advance(first, ask('a2', undefined, 'us-east-1'), now + 61_000)
    expect(second.previousRegion).toBe('eu-west-1')
    const released = advance(second, { type: 'release', by: 'test', attemptId: 'a2' })
    expect(released.region).toBe('eu-west-1')
    expect(released).not.toHaveProperty('previousRegion')
    expect(advance(second, commit('a2', 'cert1'))).not.toHaveProperty('previousRegion')
  })

  it('is never one that an attempt wrote', () => {
    const abandoned = advance(fresh, ask('a1'))
    const next = advance(abandoned, ask('a2'), now + 61_000)
    expect(next).not.toHaveProperty('previousRegion')
    const expired = advance(
      next,
      { type: 'expire', by: 'test', attemptId: 's1', leaseSeconds },
      now + 200_000,
    )
    expect(expired).not.toHaveProperty('region')
  })
})

describe('a device whose product leaves no region', () => {
  const nowhere = (record: DeviceRecord, key: string) =>
    transition(record, { ...ask('a2', key), target: undefined } as DeviceEvent, now)

  it('is not claimed, but keeps and gets again what it has', () => {
    expect(nowhere(fresh, 'key1')).toEqual({ type: 'refuse', refusal: { reason: 'no-region' } })
    expect(nowhere(provisioned, 'key1').type).toBe('answer')
    const blocked = advance(fresh, { type: 'block', by: 'test', attemptId: 'op1' })
    expect(nowhere(blocked, 'key1')).toMatchObject({ refusal: { reason: 'blocked' } })
  })
})

describe('confirm, release and block', () => {
  it('confirms an attached certificate once', () => {
    const confirmed = advance(provisioned, { type: 'confirm', certificateId: 'cert1' })
    expect(confirmed.attachedAt).toBe(now)
    const again = transition(confirmed, { type: 'confirm', certificateId: 'cert1' }, now)
    expect(again.type).toBe('done')
    const other = transition(provisioned, { type: 'confirm', certificateId: 'cert2' }, now)
    expect(other.type).toBe('lost')
  })

  it('releases only its own claim, and never a commit', () => {
    const released = advance(claimed, { type: 'release', by: 'test', attemptId: 'a1' })
    expect(released.status).toBe('unprovisioned')
    expect(released).not.toHaveProperty('attemptId')
    expect(released).not.toHaveProperty('region')
    expect(transition(claimed, { type: 'release', by: 'test', attemptId: 'a2' }, now).type).toBe(
      'lost',
    )
    expect(
      transition(provisioned, { type: 'release', by: 'test', attemptId: 'a1' }, now).type,
    ).toBe('lost')
  })

  it('blocks in every state, under an attempt id of its own, and remembers the certificate', () => {
    for (const record of [fresh, claimed, provisioned]) {
      const blocked = advance(record, { type: 'block', by: 'test', attemptId: 'op1' })
      expect(blocked).toMatchObject({ status: 'blocked', attemptId: 'op1' })
      expect(blocked).not.toHaveProperty('certificateId')
    }
    const blocked = advance(provisioned, { type: 'block', by: 'test', attemptId: 'op1' })
    expect(blocked.superseded).toEqual([{ region: 'eu-west-1', certificateId: 'cert1' }])
    expect(transition(blocked, { type: 'block', by: 'test', attemptId: 'op2' }, now).type).toBe(
      'done',
    )
  })

  it('still supersedes the certificate of a row that a hand blocked', () => {
    const byHand: DeviceRecord = { ...provisioned, status: 'blocked' }
    expect(
      advance(byHand, { type: 'block', by: 'test', attemptId: 'op1' }).superseded,
    ).toHaveLength(1)
  })
})

describe('the time of a status', () => {
  it('is that of the claim, the commit or the block, and no other event changes it', () => {
    const committed = advance(claimed, commit('a1', 'cert1'), now + 5000)
    const confirmed = advance(committed, { type: 'confirm', certificateId: 'cert1' }, now + 6000)
    const toTokyo = {
      type: 'move',
      by: 'test',
      attemptId: 'op1',
      region: 'ap-northeast-1',
    } as const
    const moved = advance(confirmed, toTokyo, now + 7000)
    const blocked = advance(moved, { type: 'block', by: 'test', attemptId: 'op2' }, now + 8000)
    const times = [claimed, committed, confirmed, moved, blocked].map((it) => it.statusSince)
    expect(times).toEqual([now, now + 5000, now + 5000, now + 5000, now + 8000])
  })

  it('goes with the claim: a device that only may ask has none', () => {
    const toTokyo = {
      type: 'move',
      by: 'test',
      attemptId: 'op1',
      region: 'ap-northeast-1',
    } as const
    const again = advance(provisioned, ask('a2', 'key2', 'us-east-1', replace), now + 9000)
    expect(again.statusSince).toBe(now + 9000)
    const expire = { type: 'expire', by: 'test', attemptId: 's1', leaseSeconds } as const
    for (const freed of [
      advance(claimed, { type: 'release', by: 'test', attemptId: 'a1' }),
      advance(claimed, expire, now + 60_000),
      advance(claimed, toTokyo),
      advance(again, { type: 'release', by: 'test', attemptId: 'a2' }),
    ]) {
      expect(freed.status).toBe('unprovisioned')
      expect(freed).not.toHaveProperty('statusSince')
    }
  })
})

describe('whatever happens in whatever order', () => {
  const attempts = fc.constantFrom('a1', 'a2', 'a3')
  const keys = fc.constantFrom('key1', 'key2', undefined)
  const events: fc.Arbitrary<DeviceEvent> = fc.oneof(
    fc
      .tuple(
        attempts,
        keys,
        fc.constantFrom('eu-west-1', 'us-east-1'),
        fc.constantFrom(refuseAtOnce, redeliver, replace),
      )
      .map((it) => ask(...it)),
    fc.tuple(attempts, fc.constantFrom('c1', 'c2', 'c3'), keys).map((it) => commit(...it)),
    fc
      .constantFrom('c1', 'c2')
      .map((certificateId) => ({ type: 'confirm', certificateId }) as const),
    attempts.map((attemptId) => ({ type: 'release', by: 'test', attemptId }) as const),
    fc.constant({ type: 'expire', by: 'test', attemptId: 'sweeper', leaseSeconds } as const),
    fc
      .constantFrom('eu-west-1', 'us-east-1')
      .map((region) => ({ type: 'move', by: 'test', attemptId: 'op', region }) as const),
    fc.constantFrom('c1', 'c2').map((certificateId) => {
      const certificate = { region: 'eu-west-1', certificateId }
      return { type: 'forget', certificate } as const
    }),
    fc.constant({ type: 'block', by: 'test', attemptId: 'op' } as const),
  )
  const orders = fc.constantFrom<DeviceEvent>(
    { type: 'unblock', by: 'test', attemptId: 'op' },
    { type: 'reset', by: 'test', attemptId: 'op', leaseSeconds: 15 },
    { type: 'free', attemptId: 'op' },
  )
  const allEvents = fc.oneof({ weight: 4, arbitrary: events }, { weight: 1, arbitrary: orders })
  const waits = fc.integer({ min: 0, max: 90_000 })
  const runs = fc.array(fc.tuple(events, waits), { maxLength: 40 })
  const allRuns = fc.array(fc.tuple(allEvents, waits), { maxLength: 40 })

  it('counts every write, bounds the history and never forgets a committed certificate', () => {
    fc.assert(
      fc.property(allRuns, (steps) => {
        let record = fresh
        let at = now
        const committed = new Set<string>()
        for (const [event, wait] of steps) {
          at += wait
          const outcome = transition(record, event, at)
          if (outcome.type !== 'write') continue
          expect(outcome.next.rev).toBe((record.rev ?? 0) + 1)
          record = outcome.next
          if (event.type === 'commit') committed.add(event.certificateId)
          if (event.type === 'forget') committed.delete(event.certificate.certificateId)
          const known = [record.certificateId, ...record.superseded.map((it) => it.certificateId)]
          for (const certificateId of committed) expect(known).toContain(certificateId)
          expect(record.history.length).toBeLessThanOrEqual(historyLimit)
          expect(record.history.every((it) => it.by !== undefined || it.event === 'allowed')).toBe(
            true,
          )
          expect(record.certificateId !== undefined).toBe(record.status === 'provisioned')
          expect(record.leaseUntil !== undefined).toBe(record.status === 'provisioning')
          expect(record.statusSince !== undefined).toBe(record.status !== 'unprovisioned')
        }
      }),
      { numRuns: 500 },
    )
  })

  it('lets nobody commit who claimed before an order', () => {
    fc.assert(
      fc.property(allRuns, (steps) => {
        let record = fresh
        let owner: string | undefined
        let at = now
        for (const [event, wait] of steps) {
          at += wait
          const outcome = transition(record, event, at)
          if (outcome.type !== 'write') continue
          if (event.type === 'commit') expect(event.attemptId).toBe(owner)
          if (event.type === 'ask') owner = event.attemptId
          if (event.type === 'reset' || event.type === 'block') owner = undefined
          record = outcome.next
        }
      }),
      { numRuns: 500 },
    )
  })

  it('lets only the attempt that claimed last commit, and nobody after a block', () => {
    fc.assert(
      fc.property(runs, (steps) => {
        let record = fresh
        let owner: string | undefined
        let blocked = false
        let at = now
        for (const [event, wait] of steps) {
          at += wait
          const outcome = transition(record, event, at)
          if (outcome.type !== 'write') continue
          if (event.type === 'commit') expect(event.attemptId).toBe(owner)
          if (event.type === 'ask') owner = event.attemptId
          if (blocked) expect(['block', 'forget']).toContain(event.type)
          blocked ||= event.type === 'block'
          record = outcome.next
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('a dated request', () => {
  const dated = (attemptId: string, issuedAt: number, key?: string) =>
    ({ ...ask(attemptId, key, 'eu-west-1', replace), issuedAt }) as const
  const first = advance(advance(fresh, dated('a1', now - 2000, 'key1')), {
    ...commit('a1', 'cert1', 'key1'),
    issuedAt: now - 2000,
  } as DeviceEvent)
  const stale = { type: 'refuse', refusal: { reason: 'stale' } }

  it('leaves its time with the certificate that was made for it', () => {
    expect(first.lastIat).toBe(now - 2000)
  })

  it.each([
    ['the same', now - 2000],
    ['an earlier', now - 2001],
  ])('has no other certificate made with %s time', (_, issuedAt) => {
    expect(transition(first, dated('a2', issuedAt, 'key2'), now)).toEqual(stale)
    expect(transition(first, dated('a2', issuedAt), now)).toEqual(stale)
  })

  it('has another one made with a later time', () => {
    expect(advance(first, dated('a2', now - 1999, 'key2')).status).toBe('provisioning')
  })

  it('gets the same certificate for the same key, whatever its time', () => {
    expect(transition(first, dated('a2', now - 9000, 'key1'), now).type).toBe('answer')
  })

  it('is not undone by one without a time, as the seed contract has them', () => {
    expect(transition(first, ask('a2', 'key2', 'eu-west-1', redeliver), now)).toEqual(stale)
  })

  it('may be sent again after an attempt that failed, since none was made for it', () => {
    const claimedAgain = advance(first, dated('a2', now, 'key2'))
    const released = advance(claimedAgain, { type: 'release', by: 'test', attemptId: 'a2' })
    expect(advance(released, dated('a3', now, 'key2')).attemptId).toBe('a3')
    expect(transition(released, dated('a3', now - 2000, 'key2'), now)).toEqual(stale)
  })

  it.each<[string, readonly DeviceEvent[]]>([
    [
      'a reset',
      [
        { type: 'reset', by: 'test', attemptId: 'o1', leaseSeconds: 15 },
        { type: 'free', attemptId: 'o1' },
      ],
    ],
    [
      'a block and its end',
      [
        { type: 'block', by: 'test', attemptId: 'o1' },
        { type: 'unblock', by: 'test', attemptId: 'o2' },
      ],
    ],
    ['a move', [{ type: 'move', by: 'test', attemptId: 'o1', region: 'us-east-1' }]],
  ])('makes nothing after %s, though no certificate was made for it', (_, orders) => {
    const ordered = orders.reduce((record, event) => advance(record, event), first)
    for (const key of ['key1', 'key2', undefined]) {
      expect(transition(ordered, dated('a2', now - 1000, key), now)).toEqual(stale)
    }
    expect(advance(ordered, dated('a3', now + 1000, 'key1')).attemptId).toBe('a3')
  })
})

import type {
  CertificateRef,
  DeviceRecord,
  DeviceStatus,
  HistoryEntry,
  PlacementNote,
} from './device-record.ts'
import { historyLimit } from './device-record.ts'

/**
 * What may happen to a device record. `ask` is a device's verified request, already placed;
 * `commit`, `confirm` and `release` are steps of the attempt that the record names; `block` is an
 * operator's order, under an attempt id of its own so that no attempt under way can undo it.
 */
export type DeviceEvent =
  | {
      readonly type: 'ask'
      readonly attemptId: string
      readonly region: string
      readonly placement: PlacementNote
      readonly leaseSeconds: number
      readonly csrThumbprint?: string
    }
  | {
      readonly type: 'commit'
      readonly attemptId: string
      readonly certificateId: string
      readonly certificatePem: string
      readonly csrThumbprint?: string
    }
  | { readonly type: 'confirm'; readonly certificateId: string }
  | { readonly type: 'release'; readonly attemptId: string }
  | { readonly type: 'block'; readonly attemptId: string }

/** What a refused device did wrong, or what stands in its way. */
export type Refusal =
  | { readonly reason: 'blocked' | 'already-provisioned' }
  | { readonly reason: 'in-progress'; readonly retryAfterSeconds: number }

export type Assignment = {
  readonly region: string
  readonly certificateId: string
  readonly certificatePem: string
  readonly attached: boolean
  readonly placement?: PlacementNote
}

/**
 * `write`: save `next` by compare-and-swap, then go on. `answer`: the device asked again with the key
 * it was given a certificate for. `done`: what the event wants is already so. `lost`: the record is
 * no longer this attempt's, whose own certificate must be destroyed.
 */
export type Outcome =
  | { readonly type: 'write'; readonly next: DeviceRecord }
  | { readonly type: 'answer'; readonly assignment: Assignment }
  | { readonly type: 'refuse'; readonly refusal: Refusal }
  | { readonly type: 'done' }
  | { readonly type: 'lost' }

/** The state machine of one device: pure; `now` in epoch milliseconds. */
export function transition(record: DeviceRecord, event: DeviceEvent, now: number): Outcome {
  switch (event.type) {
    case 'ask':
      return ask(record, event, now)
    case 'commit':
      if (record.status === 'provisioned' && record.certificateId === event.certificateId) {
        return { type: 'done' }
      }
      return owns(record, event.attemptId) ? write(commit(record, event, now)) : { type: 'lost' }
    case 'confirm':
      if (record.status !== 'provisioned' || record.certificateId !== event.certificateId) {
        return { type: 'lost' }
      }
      if (record.attachedAt !== undefined) return { type: 'done' }
      return write(revise(record, { attachedAt: now }))
    case 'release':
      return owns(record, event.attemptId) ? write(release(record, now)) : { type: 'lost' }
    case 'block':
      if (record.status === 'blocked' && record.certificateId === undefined) return { type: 'done' }
      return write(block(record, event, now))
  }
}

type Ask = Extract<DeviceEvent, { type: 'ask' }>
type Commit = Extract<DeviceEvent, { type: 'commit' }>

function ask(record: DeviceRecord, event: Ask, now: number): Outcome {
  switch (record.status) {
    case 'blocked':
      return { type: 'refuse', refusal: { reason: 'blocked' } }
    case 'unprovisioned':
      return write(claim(record, event, now))
    case 'provisioning': {
      const leaseLeft = (record.leaseUntil ?? 0) - now
      // A lease far longer than any that is given out was written by a broken clock: it counts as ended.
      const live = leaseLeft > 0 && leaseLeft <= 2 * event.leaseSeconds * 1000
      if (!live) return write(claim(record, event, now))
      const retryAfterSeconds = Math.ceil(leaseLeft / 1000)
      return { type: 'refuse', refusal: { reason: 'in-progress', retryAfterSeconds } }
    }
    case 'provisioned': {
      const assignment = assignmentOf(record)
      const sameKey =
        event.csrThumbprint !== undefined && event.csrThumbprint === record.csrThumbprint
      if (assignment !== undefined && sameKey) return { type: 'answer', assignment }
      return { type: 'refuse', refusal: { reason: 'already-provisioned' } }
    }
  }
}

function claim(record: DeviceRecord, event: Ask, now: number): DeviceRecord {
  return revise(
    without(record),
    {
      status: 'provisioning',
      region: event.region,
      attemptId: event.attemptId,
      leaseUntil: now + event.leaseSeconds * 1000,
      attempts: (record.attempts ?? 0) + 1,
      superseded: supersededAfter(record),
      placement: event.placement,
    },
    { at: now, event: 'claimed', region: event.region },
  )
}

function commit(record: DeviceRecord, event: Commit, now: number): DeviceRecord {
  const { leaseUntil: _, ...rest } = record
  return revise(
    rest,
    {
      status: 'provisioned',
      provisionedAt: now,
      certificateId: event.certificateId,
      certificatePem: event.certificatePem,
      ...(event.csrThumbprint === undefined ? {} : { csrThumbprint: event.csrThumbprint }),
    },
    historyEntry(now, 'provisioned', record.region),
  )
}

function release(record: DeviceRecord, now: number): DeviceRecord {
  const { region, placement: _, ...rest } = without(record)
  return revise(rest, { status: 'unprovisioned' }, historyEntry(now, 'released', region))
}

function block(record: DeviceRecord, event: { attemptId: string }, now: number): DeviceRecord {
  return revise(
    without(record),
    { status: 'blocked', attemptId: event.attemptId, superseded: supersededAfter(record) },
    { at: now, event: 'blocked' },
  )
}

/** A certificate that a record names goes to `superseded`, whoever put it there: it is never just forgotten. */
function supersededAfter(record: DeviceRecord): readonly CertificateRef[] {
  const { region, certificateId } = record
  if (region === undefined || certificateId === undefined) return record.superseded
  return [...record.superseded, { region, certificateId }]
}

/** The record without what belonged to its last attempt or assignment. */
function without(record: DeviceRecord): DeviceRecord {
  const {
    attemptId: _attempt,
    leaseUntil: _lease,
    certificateId: _id,
    certificatePem: _pem,
    csrThumbprint: _thumbprint,
    attachedAt: _attached,
    provisionedAt: _provisioned,
    ...rest
  } = record
  return rest
}

function assignmentOf(record: DeviceRecord): Assignment | undefined {
  const { region, certificateId, certificatePem, attachedAt, placement } = record
  if (region === undefined || certificateId === undefined || certificatePem === undefined) return
  return {
    region,
    certificateId,
    certificatePem,
    attached: attachedAt !== undefined,
    ...(placement === undefined ? {} : { placement }),
  }
}

function owns(record: DeviceRecord, attemptId: string): boolean {
  return record.status === 'provisioning' && record.attemptId === attemptId
}

function historyEntry(at: number, event: HistoryEntry['event'], region?: string): HistoryEntry {
  return region === undefined ? { at, event } : { at, event, region }
}

type Changes = Partial<DeviceRecord> & { status?: DeviceStatus }

function revise(record: DeviceRecord, changes: Changes, entry?: HistoryEntry): DeviceRecord {
  const history = entry === undefined ? record.history : [...record.history, entry]
  return {
    ...record,
    ...changes,
    rev: (record.rev ?? 0) + 1,
    history: history.slice(-historyLimit),
  }
}

function write(next: DeviceRecord): Outcome {
  return { type: 'write', next }
}

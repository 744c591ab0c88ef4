import type { Assignment, DeviceEvent, Outcome, Reprovisioning } from './device-event.ts'
import {
  type CertificateRef,
  type DeviceRecord,
  productNameOf,
  supersededLimit,
} from './device-record.ts'
import { amend, block, free, move, reset, unblock } from './operator-orders.ts'
import {
  type Changes,
  freed,
  historyEntry,
  revise,
  supersededAfter,
  without,
  write,
} from './record-changes.ts'

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
    case 'failover':
      return owns(record, event.attemptId) ? write(failOver(record, event, now)) : { type: 'lost' }
    case 'confirm':
      if (record.status !== 'provisioned' || record.certificateId !== event.certificateId) {
        return { type: 'lost' }
      }
      if (record.attachedAt !== undefined) return { type: 'done' }
      return write(revise(record, now, { attachedAt: now }))
    case 'release':
      return owns(record, event.attemptId) ? write(release(record, event, now)) : { type: 'lost' }
    case 'expire':
      if (record.status !== 'provisioning') return { type: 'lost' }
      if (leaseLeft(record, event.leaseSeconds, now) > 0) return { type: 'lost' }
      return write(expire(record, event, now))
    case 'forget':
      return forget(record, event.certificate, now)
    case 'block':
      return block(record, event, now)
    case 'unblock':
      return unblock(record, event, now)
    case 'move':
      return move(record, event, now)
    case 'reset':
      return reset(record, event, now)
    case 'free':
      return free(record, event.attemptId, now)
    case 'amend':
      return amend(record, event, now)
  }
}

type Ask = Extract<DeviceEvent, { type: 'ask' }>
type Commit = Extract<DeviceEvent, { type: 'commit' }>
type Failover = Extract<DeviceEvent, { type: 'failover' }>
type Release = Extract<DeviceEvent, { type: 'release' }>
type Expire = Extract<DeviceEvent, { type: 'expire' }>

function ask(record: DeviceRecord, event: Ask, now: number): Outcome {
  switch (record.status) {
    case 'blocked':
      return { type: 'refuse', refusal: { reason: 'blocked' } }
    case 'unprovisioned':
      return claim(record, event, now)
    case 'provisioning': {
      const left = leaseLeft(record, event.leaseSeconds, now)
      if (left <= 0) return claim(record, event, now)
      const retryAfterSeconds = Math.ceil(left / 1000)
      return { type: 'refuse', refusal: { reason: 'in-progress', retryAfterSeconds } }
    }
    case 'provisioned':
      return askAgain(record, event, now)
  }
}

/** The same key gets its certificate again, unless an operator moved the device; else the rule decides. */
function askAgain(record: DeviceRecord, event: Ask, now: number): Outcome {
  const moved = record.regionPin !== undefined && record.regionPin !== record.region
  const assignment = assignmentOf(record)
  const sameKey = event.csrThumbprint !== undefined && event.csrThumbprint === record.csrThumbprint
  if (!moved && assignment !== undefined && sameKey) return { type: 'answer', assignment }
  if (record.certificateId === undefined) {
    return { type: 'refuse', refusal: { reason: 'already-provisioned' } }
  }
  if (!moved && !mayReplace(record, event.reprovisioning, now)) {
    return { type: 'refuse', refusal: { reason: 'already-provisioned' } }
  }
  if (record.superseded.length >= supersededLimit) {
    return { type: 'refuse', refusal: { reason: 'too-many-superseded' } }
  }
  return claim(record, event, now)
}

function mayReplace(record: DeviceRecord, product: Reprovisioning, now: number): boolean {
  if (product.rule === 'replace') return true
  if (record.statusSince === undefined) return false
  const age = now - record.statusSince
  return age >= -product.redeliverSeconds * 1000 && age < product.redeliverSeconds * 1000
}

/**
 * Milliseconds left of a record's lease; 0 or less where it ended. A lease far longer than any that is
 * given out was written by a broken clock, and counts as ended.
 */
function leaseLeft(record: DeviceRecord, leaseSeconds: number, now: number): number {
  const left = (record.leaseUntil ?? 0) - now
  return left <= 2 * leaseSeconds * 1000 ? left : 0
}

function claim(record: DeviceRecord, event: Ask, now: number): Outcome {
  if (!isLater(record, event)) return { type: 'refuse', refusal: { reason: 'stale' } }
  if (event.target === undefined) return { type: 'refuse', refusal: { reason: 'no-region' } }
  const { region, placement } = event.target
  // An attempt that is taken over wrote the region itself; what the row said before it still counts.
  const before = record.status === 'provisioning' ? record.previousRegion : record.region
  const changes: Changes = {
    status: 'provisioning',
    statusSince: now,
    // Written down, so that a list of the default product's devices finds this one too.
    product: productNameOf(record),
    region,
    ...(before === undefined ? {} : { previousRegion: before }),
    attemptId: event.attemptId,
    leaseUntil: now + event.leaseSeconds * 1000,
    attempts: (record.attempts ?? 0) + 1,
    superseded: supersededAfter(record),
    placement,
  }
  const entry = historyEntry(now, event.by, 'claimed', region)
  return write(revise(without(record), now, changes, entry))
}

/**
 * Strictly later wins: a certificate is made only for a request that was issued after the one that the
 * last certificate was made for. A device whose requests were dated once doesn't go back to undated ones.
 */
function isLater({ lastIat }: DeviceRecord, { issuedAt }: Ask): boolean {
  return lastIat === undefined || (issuedAt !== undefined && issuedAt > lastIat)
}

/** Only before the commit: nothing that was made in the region that failed holds a permission. */
function failOver(record: DeviceRecord, { by, target }: Failover, now: number): DeviceRecord {
  const { region, placement } = target
  return revise(record, now, { region, placement }, historyEntry(now, by, 'failed-over', region))
}

function commit(record: DeviceRecord, event: Commit, now: number): DeviceRecord {
  const { leaseUntil: _lease, previousRegion: _previous, ...rest } = record
  return revise(
    rest,
    now,
    {
      status: 'provisioned',
      statusSince: now,
      certificateId: event.certificateId,
      certificatePem: event.certificatePem,
      ...(event.csrThumbprint === undefined ? {} : { csrThumbprint: event.csrThumbprint }),
      ...(event.issuedAt === undefined ? {} : { lastIat: event.issuedAt }),
    },
    historyEntry(now, event.by, 'provisioned', record.region),
  )
}

function release(record: DeviceRecord, { by }: Release, now: number): DeviceRecord {
  const entry = historyEntry(now, by, 'released', record.region)
  return revise(freed(record), now, { status: 'unprovisioned' }, entry)
}

/** Frees a device whose attempt will never end; the sweeper's own id keeps that attempt out. */
function expire(record: DeviceRecord, event: Expire, now: number): DeviceRecord {
  const changes: Changes = {
    status: 'unprovisioned',
    attemptId: event.attemptId,
    superseded: supersededAfter(record),
  }
  return revise(freed(record), now, changes, historyEntry(now, event.by, 'expired', record.region))
}

/** One entry at a time, and only what somebody saw gone: the list may have grown meanwhile. */
function forget(record: DeviceRecord, gone: CertificateRef, now: number): Outcome {
  const rest = record.superseded.filter(
    (it) => it.region !== gone.region || it.certificateId !== gone.certificateId,
  )
  if (rest.length === record.superseded.length) return { type: 'done' }
  return write(revise(record, now, { superseded: rest }))
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

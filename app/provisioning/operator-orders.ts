import { isDeepStrictEqual } from 'node:util'
import type { DeviceEvent, Outcome } from './device-event.ts'
import { type DeviceRecord, isNamedNowhere } from './device-record.ts'
import {
  type Changes,
  freed,
  historyEntry,
  revise,
  supersededAfter,
  without,
  write,
} from './record-changes.ts'

type Block = Extract<DeviceEvent, { type: 'block' | 'unblock' }>
type Move = Extract<DeviceEvent, { type: 'move' }>
type Amend = Extract<DeviceEvent, { type: 'amend' }>
type Reset = Extract<DeviceEvent, { type: 'reset' }>

/** Nothing under way can become usable after it: an attempt has lost its record, a certificate is superseded. */
export function block(record: DeviceRecord, event: Block, now: number): Outcome {
  if (record.status === 'blocked' && record.certificateId === undefined) return { type: 'done' }
  const changes: Changes = {
    status: 'blocked',
    statusSince: now,
    attemptId: event.attemptId,
    superseded: supersededAfter(record),
    ...outdatedAt(record, now),
  }
  const rest = isClaimed(record) ? freed(record) : without(record)
  return write(revise(rest, now, changes, historyEntry(now, event.by, 'blocked')))
}

/** Frees a blocked device: it may ask again, and what it had stays superseded. */
export function unblock(record: DeviceRecord, event: Block, now: number): Outcome {
  if (record.status !== 'blocked') return { type: 'done' }
  const changes: Changes = {
    status: 'unprovisioned',
    attemptId: event.attemptId,
    superseded: supersededAfter(record),
    ...outdatedAt(record, now),
  }
  const rest = isClaimed(record) ? freed(record) : withoutPlacement(without(record))
  return write(revise(rest, now, changes, historyEntry(now, event.by, 'unblocked')))
}

/**
 * What an operator says of a device that nobody has begun with. One that a hand has freed still names the
 * certificate that its next claim supersedes, and the region where that is: left as it is, too.
 */
export function amend(record: DeviceRecord, event: Amend, now: number): Outcome {
  if (record.status !== 'unprovisioned' || record.certificateId !== undefined) {
    return { type: 'lost' }
  }
  const amended = { ...record, ...event.details }
  if (isDeepStrictEqual(amended, record)) return { type: 'done' }
  return write(revise(amended, now, {}, historyEntry(now, event.by, 'amended')))
}

/** Where the device shall be from its next request on; until then it keeps what it has. */
export function move(record: DeviceRecord, event: Move, now: number): Outcome {
  if (record.status === 'blocked') return { type: 'refuse', refusal: { reason: 'blocked' } }
  if (isNamedNowhere(record)) return { type: 'refuse', refusal: { reason: 'no-certificate' } }
  if (record.regionPin === event.region) return { type: 'done' }
  const entry = historyEntry(now, event.by, 'moved', event.region)
  const pinned = { ...record, regionPin: event.region }
  if (record.status !== 'provisioning') {
    return write(revise(pinned, now, outdatedAt(record, now), entry))
  }
  // The attempt under way lands elsewhere: it loses its record, and the next one obeys the pin.
  const changes: Changes = {
    status: 'unprovisioned',
    attemptId: event.attemptId,
    superseded: supersededAfter(record),
    ...outdatedAt(record, now),
  }
  return write(revise(freed(pinned), now, changes, entry))
}

/**
 * Takes a device's identity from its record, and holds the record as an attempt does until the identity
 * is INACTIVE (`free`). It waits for no lease. A reset that dies leaves what a dead attempt leaves:
 * whoever asks after its lease deactivates what is superseded before anything is committed.
 */
export function reset(record: DeviceRecord, event: Reset, now: number): Outcome {
  const { status, certificateId } = record
  if (status === 'blocked') return { type: 'refuse', refusal: { reason: 'blocked' } }
  if (isNamedNowhere(record)) return { type: 'refuse', refusal: { reason: 'no-certificate' } }
  const nothing = certificateId === undefined && record.superseded.length === 0
  if (status === 'unprovisioned' && nothing) return { type: 'done' }
  const before = isClaimed(record) ? record.previousRegion : record.region
  const changes: Changes = {
    status: 'provisioning',
    statusSince: now,
    attemptId: event.attemptId,
    leaseUntil: now + event.leaseSeconds * 1000,
    superseded: supersededAfter(record),
    ...outdatedAt(record, now),
    ...(before === undefined ? {} : { previousRegion: before }),
  }
  const entry = historyEntry(now, event.by, 'reset', certificateId && record.region)
  const { region: _region, ...rest } = withoutPlacement(without(record))
  return write(revise(rest, now, changes, entry))
}

/** The end of a reset: the device may ask. Its order is in the history already. */
export function free(record: DeviceRecord, attemptId: string, now: number): Outcome {
  if (record.status !== 'provisioning' || record.attemptId !== attemptId) return { type: 'lost' }
  return write(revise(freed(record), now, { status: 'unprovisioned', attemptId }))
}

/**
 * No request from before the order makes anything after it, be it captured or late: a device that dates
 * its requests signs anew. The order's clock is within five minutes of AWS's, which signs for no other.
 */
function outdatedAt({ lastIat }: DeviceRecord, now: number): Changes {
  return lastIat === undefined ? {} : { lastIat: Math.max(lastIat, now) }
}

/** An attempt (or a reset) wrote the region itself; what the row said before it is in `previousRegion`. */
function isClaimed(record: DeviceRecord): boolean {
  return record.status === 'provisioning' || record.leaseUntil !== undefined
}

function withoutPlacement(record: DeviceRecord): DeviceRecord {
  const { placement: _placement, ...rest } = record
  return rest
}

import type { Outcome } from './device-event.ts'
import {
  type CertificateRef,
  type DeviceRecord,
  type DeviceStatus,
  type HistoryEntry,
  historyLimit,
} from './device-record.ts'

export type Changes = Partial<DeviceRecord> & { status?: DeviceStatus }

/**
 * The next revision of a record. The first one of a row written by hand begins with the time, as a
 * row of ours does: see `allowedDevice`.
 */
export function revise(
  record: DeviceRecord,
  now: number,
  changes: Changes,
  entry?: HistoryEntry,
): DeviceRecord {
  const history = entry === undefined ? record.history : [...record.history, entry]
  return {
    ...record,
    ...changes,
    rev: (record.rev ?? now) + 1,
    history: history.slice(-historyLimit),
  }
}

export function write(next: DeviceRecord): Outcome {
  return { type: 'write', next }
}

export function historyEntry(
  at: number,
  by: string,
  event: HistoryEntry['event'],
  region?: string,
): HistoryEntry {
  return region === undefined ? { at, event, by } : { at, event, region, by }
}

/** A certificate that a record names goes to `superseded`, whoever put it there: it is never just forgotten. */
export function supersededAfter(record: DeviceRecord): readonly CertificateRef[] {
  const { region, certificateId } = record
  if (region === undefined || certificateId === undefined) return record.superseded
  return [...record.superseded, { region, certificateId }]
}

/** The record without what belonged to its last attempt or assignment. */
export function without(record: DeviceRecord): DeviceRecord {
  const {
    attemptId: _attempt,
    leaseUntil: _lease,
    certificateId: _id,
    certificatePem: _pem,
    csrThumbprint: _thumbprint,
    attachedAt: _attached,
    statusSince: _since,
    ...rest
  } = record
  return rest
}

/** A claimed record as it was before its attempt: in the region that the row named then, if any. */
export function freed(record: DeviceRecord): DeviceRecord {
  const { region: _region, placement: _placement, previousRegion, ...rest } = without(record)
  return previousRegion === undefined ? rest : { ...rest, region: previousRegion }
}

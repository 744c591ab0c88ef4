import type { ObservedCertificate } from '../../regions/iot-audit.ts'
import type { DeviceRecord } from './device-record.ts'
import { transition } from './transition.ts'

/** A row as it was read: a device record, or why it is none. */
export type RowRead =
  | { readonly type: 'record'; readonly record: DeviceRecord }
  | { readonly type: 'absent' | 'unreadable' }

/**
 * What the allow-list says of one certificate. All of it is read consistently, and after the region
 * was observed: a certificate that stood there then and isn't named now never will be, but by an
 * attempt that is still open.
 */
export type Evidence = {
  /** The record that names it as its device's certificate. */
  readonly namedBy?: DeviceRecord | undefined
  /** A record that lists it as superseded. */
  readonly supersededBy?: DeviceRecord | undefined
  /** The rows of the things that it is attached to. */
  readonly things: readonly { readonly thingName: string; readonly row: RowRead }[]
  /** A record that got another certificate for the same key. */
  readonly sameKey?: DeviceRecord | undefined
  /**
   * Epoch milliseconds: what was created from then on may belong to an attempt that isn't over.
   * Undefined: no attempt is open.
   */
  readonly attemptsSince?: number | undefined
}

export type JudgeRules = {
  readonly now: number
  /** Certificates without thing are left alone for so long. */
  readonly olderThanSeconds: number
  readonly leaseSeconds: number
  /** Every certificate of the region is Landfall's. */
  readonly dedicated: boolean
  /** The device policy: whoever holds another one isn't only ours. */
  readonly policyName: string
  /** Take a missing row for evidence: only where an operator says so. */
  readonly absentToo: boolean
}

export type DestroyReason =
  | 'superseded'
  /** The record is provisioned with another certificate. */
  | 'replaced'
  | 'blocked'
  /** Never committed: another certificate was recorded for its key. */
  | 'same-key'
  /** Never committed, in a dedicated region. */
  | 'unattached'
  | 'absent-row'

/** What a person has to look at; `docs/provisioning.md` says what to do about each. */
export type ReportReason =
  | 'absent-row'
  | 'unreadable-row'
  /** Attached to a device whose record names no certificate. */
  | 'unrecorded'
  /** To be destroyed, but somebody gave it another policy. */
  | 'foreign-policy'
  /** Without thing, and nothing says whose it is. */
  | 'unknown'
  /** Recorded, but INACTIVE. */
  | 'inactive'
  /** Recorded and once attached, but no longer. */
  | 'detached'
  /** Recorded, but gone. */
  | 'gone'

export type Verdict =
  /** `settled`: a later sweep needn't look again, unless its record changes. */
  | { readonly type: 'keep'; readonly settled: boolean }
  | { readonly type: 'destroy'; readonly why: DestroyReason; readonly thingName?: string }
  /** Committed, never confirmed: attach it unless it is attached, and confirm. */
  | { readonly type: 'finish'; readonly record: DeviceRecord; readonly attached: boolean }
  | { readonly type: 'report'; readonly what: ReportReason; readonly thingName?: string }

const settled: Verdict = { type: 'keep', settled: true }
const later: Verdict = { type: 'keep', settled: false }

/** The sweeper's rules (docs/provisioning.md) for one certificate: destroys on positive evidence only. */
export function judge(it: ObservedCertificate, evidence: Evidence, rules: JudgeRules): Verdict {
  const { namedBy, supersededBy } = evidence
  if (namedBy !== undefined) return judgeNamed(it, namedBy, rules)
  if (supersededBy !== undefined) {
    if (supersededBy.status === 'provisioning') return later
    return { type: 'destroy', why: 'superseded', thingName: supersededBy.thingName }
  }
  if (it.things.length > 0) return judgeAttached(it, evidence, rules)
  return judgeUnattached(it, evidence, rules)
}

/** Whether an attempt holds the record by a lease that has not ended. */
export function leaseHolds(record: DeviceRecord, leaseSeconds: number, now: number): boolean {
  if (record.status !== 'provisioning') return false
  const expire = { type: 'expire', by: '', attemptId: '', leaseSeconds } as const
  return transition(record, expire, now).type !== 'write'
}

function judgeNamed(it: ObservedCertificate, record: DeviceRecord, rules: JudgeRules): Verdict {
  const { thingName } = record
  if (record.status === 'blocked') return { type: 'destroy', why: 'blocked', thingName }
  // Freed by hand: the next claim supersedes it.
  if (record.status !== 'provisioned') return later
  if (!it.active) return { type: 'report', what: 'inactive', thingName }
  const attached = it.things.includes(thingName) && it.policies.includes(rules.policyName)
  if (record.attachedAt !== undefined) {
    return attached ? settled : { type: 'report', what: 'detached', thingName }
  }
  const age = rules.now - (record.statusSince ?? 0)
  // Its attempt may be attaching it at this moment.
  if (!attached && age < rules.leaseSeconds * 1000) return later
  return { type: 'finish', record, attached }
}

function judgeAttached(it: ObservedCertificate, evidence: Evidence, rules: JudgeRules): Verdict {
  const verdicts = evidence.things.map(({ thingName, row }) =>
    judgeThing(it, thingName, row, rules),
  )
  // Of several things each must condemn it; what a person must look at goes before what is kept.
  const verdict =
    verdicts.find((each) => each.type === 'report') ??
    verdicts.find((each) => each.type === 'keep') ??
    verdicts[0]
  if (verdict?.type !== 'destroy') return verdict ?? later
  if (!it.policies.some((name) => name !== rules.policyName)) return verdict
  return { type: 'report', what: 'foreign-policy', ...thingOf(verdict) }
}

function judgeThing(
  it: ObservedCertificate,
  thingName: string,
  row: RowRead,
  rules: JudgeRules,
): Verdict {
  if (row.type !== 'record') {
    // In a shared account there are things that no row is to be expected for.
    if (!it.policies.includes(rules.policyName)) return settled
    if (row.type === 'unreadable') return { type: 'report', what: 'unreadable-row', thingName }
    if (!rules.absentToo) return { type: 'report', what: 'absent-row', thingName }
    return isYoung(it, rules) ? later : { type: 'destroy', why: 'absent-row', thingName }
  }
  switch (row.record.status) {
    case 'blocked':
      return { type: 'destroy', why: 'blocked', thingName }
    case 'provisioned':
      // What the seed provisioned names no certificate: no evidence against any.
      if (row.record.certificateId === undefined) return settled
      return { type: 'destroy', why: 'replaced', thingName }
    case 'provisioning':
      return later
    case 'unprovisioned':
      return { type: 'report', what: 'unrecorded', thingName }
  }
}

function judgeUnattached(it: ObservedCertificate, evidence: Evidence, rules: JudgeRules): Verdict {
  if (it.policies.some((name) => name !== rules.policyName)) return settled
  if (isYoung(it, rules)) return later
  if (evidence.attemptsSince !== undefined && it.createdAt >= evidence.attemptsSince) return later
  if (evidence.sameKey !== undefined) {
    return { type: 'destroy', why: 'same-key', thingName: evidence.sameKey.thingName }
  }
  if (rules.dedicated) return { type: 'destroy', why: 'unattached' }
  return { type: 'report', what: 'unknown' }
}

function isYoung(it: ObservedCertificate, rules: JudgeRules): boolean {
  return rules.now - it.createdAt < rules.olderThanSeconds * 1000
}

function thingOf(verdict: { thingName?: string }): { thingName?: string } {
  return verdict.thingName === undefined ? {} : { thingName: verdict.thingName }
}

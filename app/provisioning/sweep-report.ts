import type { DestroyReason, ReportReason } from './judge.ts'

/** One certificate or record, and what the sweep made of it. */
export type Finding<Why extends string> = {
  readonly why: Why
  readonly region?: string
  readonly thingName?: string
  readonly certificateId?: string
  readonly detail?: string
}

export type Repair =
  /** Attached, then confirmed. */
  | 'attached'
  /** Found attached, and confirmed. */
  | 'confirmed'
  /** An attempt that nobody would have ended. */
  | 'expired'
  /** A record that a hand blocked: its certificate is now listed as superseded. */
  | 'blocked'
  /** A superseded certificate, seen gone. */
  | 'forgotten'

export type ReportedReason =
  | ReportReason
  /** Superseded in one record, and another one's certificate. */
  | 'named-elsewhere'
  /** Superseded in a region that the configuration doesn't name any more. */
  | 'no-such-region'

export type RegionReport = {
  readonly region: string
  /** Epoch milliseconds; undefined: everything was looked at. */
  readonly since: number | undefined
  /** Certificates listed. */
  seen: number
  kept: number
  readonly destroyed: Finding<DestroyReason>[]
  readonly repaired: Finding<Repair>[]
  readonly reported: Finding<ReportedReason>[]
  /** What its control plane failed at. */
  readonly failures: string[]
}

export type SweepReport = {
  /** Epoch milliseconds. */
  readonly startedAt: number
  readonly dryRun: boolean
  /** Rows of the allow-list. */
  rows: number
  readonly regions: readonly RegionReport[]
  /** Rows that are no device records, and what belongs to no region that was swept. */
  readonly repaired: Finding<Repair>[]
  readonly reported: Finding<ReportedReason>[]
  /** What failed apart from the regions. */
  readonly failures: string[]
  /** More was to be destroyed than one run may. */
  capped: boolean
}

/** Done, and nothing left that this run should have done. */
export function isComplete(report: SweepReport): boolean {
  const failures = [...report.failures, ...report.regions.flatMap((it) => it.failures)]
  return failures.length === 0 && !report.capped
}

import type { IotAudit } from '../../regions/iot-audit.ts'
import { RegionError } from '../../regions/region-error.ts'
import { AppError } from '../app-error.ts'
import type { AllowList } from './allow-list.ts'
import type { DeviceEvent } from './device-event.ts'
import type { DeviceRecord } from './device-record.ts'
import { type DestroyReason, leaseHolds, type RowRead } from './judge.ts'
import type { AllowListScan, SweepMarks } from './sweep-ports.ts'
import type { Finding, RegionReport, Repair, SweepReport } from './sweep-report.ts'
import { transition } from './transition.ts'

export type SweepDeps = {
  readonly allowList: AllowList & AllowListScan
  /** Of the regions to sweep. */
  readonly audits: readonly IotAudit[]
  /** Every region of the configuration, swept or not. */
  readonly configuredRegions: readonly string[]
  /** Those whose every certificate is Landfall's. */
  readonly dedicatedRegions: readonly string[]
  readonly marks: SweepMarks
  readonly policyName: string
  readonly leaseSeconds: number
  readonly now: () => number
  readonly newAttemptId: () => string
  readonly onProgress: (step: SweepStep) => void
  readonly signal: AbortSignal
}

/** What is under way: in a region where it is one's; `done` of `total` certificates or records. */
export type SweepStep = {
  readonly doing: 'listing' | 'scanning' | 'repairing' | 'looking' | 'judging' | 'marking'
  readonly region?: string
  readonly done: number
  readonly total?: number
}

export type SweepOptions = {
  /** Epoch milliseconds, or everything; absent: from the last sweep's mark on. */
  readonly since?: number | 'everything'
  readonly olderThanSeconds: number
  readonly maxDestroy: number
  readonly dryRun: boolean
  readonly absentToo: boolean
  /** Look at recorded and confirmed certificates too. */
  readonly thorough: boolean
}

/** So many certificates or records of a region are dealt with at once; the pace is the quotas'. */
const concurrency = 8
/** After so many failed calls a region is left for the next sweep. */
const failureLimit = 3
const fencedTries = 5

/** One sweep under way: what its parts share. */
export type SweepRun = {
  readonly deps: SweepDeps
  readonly options: SweepOptions
  readonly report: SweepReport
  /** The swept regions that haven't failed. */
  auditOf(region: string): IotAudit | undefined
  reportOf(region: string): RegionReport
  /** Reads a row consistently. */
  read(thingName: string): Promise<RowRead>
  /**
   * Applies an event by compare-and-swap to the record as it stands, again where it changed meanwhile.
   * Leaves a record alone that an attempt holds, or that isn't (any more) as `when` wants it. True
   * where the event was (or, in a dry run, would be) written.
   */
  apply(
    thingName: string,
    event: DeviceEvent,
    when?: (record: DeviceRecord) => boolean,
  ): Promise<boolean>
  /** Cleans a certificate up, unless this run may destroy no more; true where it is gone. */
  destroy(
    audit: IotAudit,
    finding: Finding<DestroyReason> & { readonly region: string; readonly certificateId: string },
  ): Promise<boolean>
  /** By this run; in a dry run: it would be. */
  isDestroyed(certificateId: string): boolean
  repaired(finding: Finding<Repair>): void
  /** Keeps a certificate in mind for the next sweep. */
  revisit(region: string, certificateId: string): void
  /** Nothing is left to do about it. */
  settle(region: string, certificateId: string): void
  readonly revisits: ReadonlyMap<string, ReadonlySet<string>>
  /** Does each, `concurrency` at once; a region's failure costs its own items only. */
  each<T extends { readonly region?: string }>(
    step: Omit<SweepStep, 'done' | 'total'>,
    items: readonly T[],
    work: (item: T) => Promise<void>,
  ): Promise<void>
}

export function startSweep(deps: SweepDeps, options: SweepOptions, report: SweepReport): SweepRun {
  const audits = new Map(deps.audits.map((it) => [it.region, it]))
  const reports = new Map(report.regions.map((it) => [it.region, it]))
  const revisits = new Map(report.regions.map((it) => [it.region, new Set<string>()]))
  const destroyed = new Set<string>()
  let destroying = 0

  function reportOf(region: string): RegionReport {
    const found = reports.get(region)
    if (found === undefined) throw new Error(`${region} is not swept`)
    return found
  }

  function isSick(region: string): boolean {
    return (reports.get(region)?.failures.length ?? 0) >= failureLimit
  }

  async function read(thingName: string): Promise<RowRead> {
    try {
      const { signal } = deps
      const record = await deps.allowList.find(thingName, { signal, consistent: true })
      return record === undefined ? { type: 'absent' } : { type: 'record', record }
    } catch (error) {
      if (error instanceof AppError && error.code === 'conflict') return { type: 'unreadable' }
      throw error
    }
  }

  function isHeld(record: DeviceRecord): boolean {
    return leaseHolds(record, deps.leaseSeconds, deps.now())
  }

  async function apply(
    thingName: string,
    event: DeviceEvent,
    when: (record: DeviceRecord) => boolean = () => true,
  ): Promise<boolean> {
    const row = await read(thingName)
    let record = row.type === 'record' ? row.record : undefined
    for (let tries = 0; tries < fencedTries && record !== undefined; tries += 1) {
      if (isHeld(record) || !when(record)) return false
      const outcome = transition(record, event, deps.now())
      if (outcome.type !== 'write') return false
      if (options.dryRun) return true
      const result = await deps.allowList.save(record, outcome.next, deps.signal)
      if (result.saved) return true
      record = result.current
    }
    return false
  }

  function fail(region: string | undefined, error: unknown): void {
    // An interrupted sweep ends; what it has done stands.
    deps.signal.throwIfAborted()
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof RegionError && reports.has(error.region)) {
      reportOf(error.region).failures.push(message)
    } else if (region !== undefined) reportOf(region).failures.push(message)
    else report.failures.push(message)
  }

  return {
    deps,
    options,
    report,
    auditOf: (region) => (isSick(region) ? undefined : audits.get(region)),
    reportOf,
    read,
    apply,
    async destroy(audit, finding) {
      const { region, certificateId } = finding
      if (destroyed.has(certificateId)) return true
      revisits.get(region)?.add(certificateId)
      if (destroying >= options.maxDestroy) {
        report.capped = true
        return false
      }
      destroying += 1
      if (!options.dryRun) await audit.clean(certificateId, deps.signal)
      destroyed.add(certificateId)
      revisits.get(region)?.delete(certificateId)
      reportOf(region).destroyed.push(finding)
      return true
    },
    isDestroyed: (certificateId) => destroyed.has(certificateId),
    repaired(finding) {
      const { region } = finding
      const own = region === undefined ? undefined : reports.get(region)
      const list = own?.repaired ?? report.repaired
      list.push(finding)
    },
    revisit(region, certificateId) {
      revisits.get(region)?.add(certificateId)
    },
    settle(region, certificateId) {
      revisits.get(region)?.delete(certificateId)
    },
    revisits,
    async each(step, items, work) {
      let done = 0
      const queue = items.values()
      const worker = async () => {
        for (const item of queue) {
          deps.signal.throwIfAborted()
          if (item.region === undefined || !isSick(item.region)) {
            await work(item).catch((error: unknown) => fail(item.region, error))
          }
          done += 1
          deps.onProgress({ ...step, done, total: items.length })
        }
      }
      await Promise.all(Array.from({ length: concurrency }, worker))
    },
  }
}

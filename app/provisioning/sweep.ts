import type { ListedCertificate } from '../../regions/iot-audit.ts'
import { judgeListed, judgeStrays, judgeSuspects } from './sweep-certificates.ts'
import { type Listing, readLedger } from './sweep-ledger.ts'
import { pendingLimit, type SweepMark } from './sweep-ports.ts'
import { repairRecords } from './sweep-records.ts'
import type { RegionReport, SweepReport } from './sweep-report.ts'
import { type SweepDeps, type SweepOptions, type SweepRun, startSweep } from './sweep-run.ts'

/** The next sweep looks this much further back than this one began: clocks differ, lists lag. */
const overlapSeconds = 600

/**
 * One sweep: what crashed attempts and lost answers left behind (docs/provisioning.md, "The sweeper").
 * Regions are observed first, the allow-list is read after them: in this order, since a certificate
 * that was seen before the records were read and isn't named then never will be. Throws AppError where
 * the allow-list can't be scanned, and the signal's reason where it is interrupted.
 */
export async function sweep(deps: SweepDeps, options: SweepOptions): Promise<SweepReport> {
  const startedAt = deps.now()
  const marks = await readMarks(deps)
  const report: SweepReport = {
    startedAt,
    dryRun: options.dryRun,
    rows: 0,
    regions: deps.audits.map(({ region }) => emptyReport(region, options, marks.get(region))),
    repaired: [],
    reported: [],
    failures: [],
    capped: false,
  }
  const run = startSweep(deps, options, report)
  const listings = await listRegions(run, marks)
  deps.onProgress({ doing: 'scanning', done: 0 })
  const ledger = await readLedger(deps.allowList.scan(deps.signal), listings, {
    now: startedAt,
    leaseSeconds: deps.leaseSeconds,
  })
  report.rows = ledger.rows
  for (const { thingName, problem } of ledger.unreadable) {
    report.reported.push({ why: 'unreadable-row', thingName, detail: problem })
  }
  await repairRecords(run, ledger)
  await judgeSuspects(run, ledger, listings)
  const strays = await judgeListed(run, ledger, listings)
  await judgeStrays(run, strays, new Set(options.dryRun ? ledger.ended : []))
  if (!options.dryRun) await saveMarks(run, listings, marks)
  return report
}

type Marks = ReadonlyMap<string, SweepMark>

async function readMarks({ audits, marks, signal }: SweepDeps): Promise<Marks> {
  const found = await Promise.all(
    audits.map(async ({ region }) => [region, await marks.find(region, signal)] as const),
  )
  return new Map(found.flatMap(([region, mark]) => (mark === undefined ? [] : [[region, mark]])))
}

function emptyReport(
  region: string,
  { since }: SweepOptions,
  mark: SweepMark | undefined,
): RegionReport {
  return {
    region,
    since: since === 'everything' ? undefined : (since ?? mark?.reachedAt),
    seen: 0,
    kept: 0,
    destroyed: [],
    repaired: [],
    reported: [],
    failures: [],
  }
}

/** A region that can't be listed has no listing, and is left for the next sweep. */
async function listRegions(run: SweepRun, marks: Marks): Promise<Listing[]> {
  const { report, deps } = run
  const listings: Listing[] = []
  await run.each({ doing: 'listing' }, report.regions, async ({ region, since }) => {
    const audit = run.auditOf(region)
    if (audit === undefined) return
    const certificates = new Map<string, ListedCertificate>()
    for await (const it of audit.list(since, deps.signal)) {
      certificates.set(it.certificateId, it)
      run.reportOf(region).seen += 1
    }
    for (const id of marks.get(region)?.pending ?? []) {
      // Looked at by its id: whether it is ACTIVE is seen then.
      if (certificates.has(id)) continue
      certificates.set(id, { certificateId: id, active: false, createdAt: 0 })
    }
    listings.push({ region, since, certificates })
  })
  return listings
}

async function saveMarks(run: SweepRun, listings: readonly Listing[], marks: Marks): Promise<void> {
  const { deps, report } = run
  for (const { region, since, certificates } of listings) {
    const before = marks.get(region)
    // What lies between the last mark and a later --since was not looked at.
    const gap = since !== undefined && since > (before?.reachedAt ?? 0)
    if (gap || run.reportOf(region).failures.length > 0) continue
    const mark = markAfter(run, region, certificates, report.startedAt)
    await run.each({ doing: 'marking', region }, [{ region }], () =>
      deps.marks.save(region, mark, deps.signal),
    )
  }
}

function markAfter(
  run: SweepRun,
  region: string,
  certificates: ReadonlyMap<string, ListedCertificate>,
  startedAt: number,
): SweepMark {
  const createdAt = (id: string) => certificates.get(id)?.createdAt ?? 0
  const open = [...(run.revisits.get(region) ?? [])].toSorted((a, b) => createdAt(a) - createdAt(b))
  const overflow = open.slice(pendingLimit).map(createdAt)
  return {
    reachedAt: Math.min(startedAt - overlapSeconds * 1000, ...overflow.slice(0, 1)),
    pending: open.slice(0, pendingLimit),
  }
}

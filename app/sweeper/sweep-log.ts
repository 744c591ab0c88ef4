import type { Logger } from 'pino'
import { isComplete, type RegionReport, type SweepReport } from '../provisioning/sweep-report.ts'

/** CloudWatch takes 256 KB a line: more findings than that are counted only. */
const loggedFindings = 500

/**
 * Writes a sweep to the log: a line for each region and one for the whole, which are CloudWatch metrics
 * too (Embedded Metric Format specification). The whole's have no dimension, since an alarm can't sum
 * over regions, and count what belongs to no region as well; a region tells only what it has, as each
 * metric costs. Never keys.
 */
export function logSweep(log: Logger, metricsNamespace: string, report: SweepReport): void {
  const total = countsOf(report)
  for (const region of report.regions) {
    const { destroyed, repaired, reported, ...rest } = region
    const findings = [...destroyed, ...repaired, ...reported].slice(0, loggedFindings)
    const counts = countsOf(region)
    for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count
    const found = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
    const line = { ...rest, findings, ...metrics(metricsNamespace, found, ['region']) }
    if (region.failures.length > 0) log.error(line, 'sweep of a region')
    else log.info(line, 'sweep of a region')
  }
  const { regions: _, ...rest } = report
  const [repaired, reported] = [rest.repaired, rest.reported].map((it) =>
    it.slice(0, loggedFindings),
  )
  const line = { ...rest, repaired, reported, ...metrics(metricsNamespace, total, []) }
  if (isComplete(report)) log.info(line, 'sweep')
  else log.error(line, 'sweep')
}

type Counts = Record<string, number>

/** Of a region, or of what belongs to none. */
function countsOf(
  of: Pick<RegionReport, 'repaired' | 'reported' | 'failures'> &
    Partial<Pick<RegionReport, 'destroyed'>>,
): Counts {
  const repaired = (...whys: string[]) => of.repaired.filter((it) => whys.includes(it.why)).length
  return {
    sweepDestroyed: of.destroyed?.length ?? 0,
    sweepFinished: repaired('attached', 'confirmed'),
    sweepExpired: repaired('expired'),
    sweepReported: of.reported.length,
    sweepFailed: of.failures.length,
  }
}

function metrics(namespace: string, counts: Counts, dimensions: readonly string[]) {
  const names = Object.keys(counts)
  if (names.length === 0) return {}
  const directive = {
    Namespace: namespace,
    Dimensions: [dimensions],
    Metrics: names.map((Name) => ({ Name, Unit: 'Count' })),
  }
  return { ...counts, _aws: { Timestamp: Date.now(), CloudWatchMetrics: [directive] } }
}

import type { Logger } from 'pino'
import { isComplete, type RegionReport, type SweepReport } from '../provisioning/sweep-report.ts'

/** CloudWatch takes 256 KB a line: more findings than that are counted only. */
const loggedFindings = 500

/**
 * Writes a sweep to the log: a line for each region, which is a CloudWatch metric too (Embedded Metric
 * Format specification), and one for the whole. Findings of certificates and things, never keys.
 * Each metric is told by region and without dimensions: an alarm can't sum over regions.
 */
export function logSweep(log: Logger, metricsNamespace: string, report: SweepReport): void {
  for (const region of report.regions) {
    const { destroyed, repaired, reported, ...rest } = region
    const findings = [...destroyed, ...repaired, ...reported].slice(0, loggedFindings)
    const line = { ...rest, findings, ...metrics(metricsNamespace, region) }
    if (region.failures.length > 0) log.error(line, 'sweep of a region')
    else log.info(line, 'sweep of a region')
  }
  const { regions: _, ...rest } = report
  const line = { ...rest, reported: rest.reported.slice(0, loggedFindings) }
  if (isComplete(report)) log.info(line, 'sweep')
  else log.error(line, 'sweep')
}

function metrics(metricsNamespace: string, region: RegionReport) {
  const repaired = (...whys: string[]) =>
    region.repaired.filter((it) => whys.includes(it.why)).length
  const values = {
    sweepDestroyed: region.destroyed.length,
    sweepFinished: repaired('attached', 'confirmed'),
    sweepExpired: repaired('expired'),
    sweepReported: region.reported.length,
    sweepFailed: region.failures.length,
  }
  return {
    ...values,
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [
        {
          Namespace: metricsNamespace,
          Dimensions: [[], ['region']],
          Metrics: Object.keys(values).map((Name) => ({ Name, Unit: 'Count' })),
        },
      ],
    },
  }
}

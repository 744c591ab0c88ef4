import type { Logger } from 'pino'
import type { BreakerChange } from './region-status.ts'
import type { RequestPlace } from './request-log.ts'

/**
 * Writes a breaker's change as one line. One that this process opened, again after a probe that failed
 * too, is a CloudWatch metric as well (Embedded Metric Format): it counts as long as the region is sick.
 */
export function logBreaker(log: Logger, place: RequestPlace, change: BreakerChange): void {
  const { region, own } = change
  const edge = place.edgeRegion
  if (change.state === 'closed') {
    log.info({ edge, region, own }, 'breaker closed')
    return
  }
  const { lastError } = change
  const until = new Date(change.until).toISOString()
  if (!own) {
    log.info({ edge, region, own, lastError, until }, 'breaker opened')
    return
  }
  const metric = {
    Namespace: place.metricsNamespace,
    Dimensions: [['edge'], ['edge', 'region']],
    Metrics: [{ Name: 'breakerOpened', Unit: 'Count' }],
  }
  log.warn(
    {
      edge,
      region,
      own,
      lastError,
      until,
      breakerOpened: 1,
      _aws: { Timestamp: change.since, CloudWatchMetrics: [metric] },
    },
    'breaker opened',
  )
}

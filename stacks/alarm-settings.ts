import type { Edge } from './edge.ts'
import type { Naming } from './names.ts'

type Metric = {
  readonly namespace: string
  readonly metricName: string
  readonly dimensions?: Record<string, $util.Input<string>>
  readonly statistic?: 'Sum' | 'Minimum' | 'Maximum'
}

export type AlarmSettings = Metric & {
  /** What it means and what to do, for whoever is woken. */
  readonly description: string
  readonly threshold: number
  readonly comparison?: 'GreaterThanOrEqualToThreshold' | 'LessThanThreshold'
  readonly minutes: number
  readonly periods?: number
  readonly missing?: 'notBreaching' | 'breaching'
}

/** An alarm's settings for one edge. */
export function edgeAlarms(edge: Edge, names: Naming): Record<string, AlarmSettings> {
  const { region } = edge
  const ofLambda = { FunctionName: edge.fn.name }
  const ofEdge = { edge: region }
  return {
    ServerErrors: {
      description: 'The API answers 5xx: see the edge’s log for reason and region',
      namespace: 'AWS/ApiGateway',
      metricName: '5xx',
      dimensions: { ApiId: edge.api.nodes.api.id },
      threshold: 5,
      minutes: 5,
    },
    Throttles: {
      description: 'Lambda turns requests away: raise the account’s or the plan’s concurrency',
      namespace: 'AWS/Lambda',
      metricName: 'Throttles',
      dimensions: ofLambda,
      threshold: 1,
      minutes: 5,
    },
    Crashes: {
      description: 'The edge’s Lambda ends without an answer: see its log',
      namespace: 'AWS/Lambda',
      metricName: 'Errors',
      dimensions: ofLambda,
      threshold: 1,
      minutes: 5,
    },
    RegionErrors: {
      description: 'A device region fails: see `reason` in the edge’s log',
      namespace: names.metricsNamespace,
      metricName: 'regionError',
      dimensions: ofEdge,
      threshold: 10,
      minutes: 5,
    },
    BreakerOpened: {
      description:
        'New devices are kept out of a region that fails, and get the next one or wait: see npx landfall region list',
      namespace: names.metricsNamespace,
      metricName: 'breakerOpened',
      dimensions: ofEdge,
      threshold: 1,
      minutes: 5,
    },
    NotAuthorized: {
      description:
        'Many ask for names, or sign with keys, that nobody allowed: somebody tries his luck, or a fleet signs with a key that was taken out; see `reason` and `address` in the edge’s log',
      namespace: names.metricsNamespace,
      metricName: 'notAuthorized',
      dimensions: ofEdge,
      threshold: 100,
      minutes: 5,
    },
    Overtaken: {
      description:
        'Attempts lose their record to others: devices ask in parallel, or leases are too short',
      namespace: names.metricsNamespace,
      metricName: 'overtaken',
      dimensions: ofEdge,
      threshold: 10,
      minutes: 5,
    },
  }
}

export function tableAlarms(table: string): Record<string, AlarmSettings> {
  const throttled = (metricName: string): AlarmSettings => ({
    description: `DynamoDB turns calls on ${table} away: requests are answered 503 meanwhile`,
    namespace: 'AWS/DynamoDB',
    metricName,
    dimensions: { TableName: table },
    threshold: 10,
    minutes: 5,
  })
  return {
    ReadThrottles: throttled('ReadThrottleEvents'),
    WriteThrottles: throttled('WriteThrottleEvents'),
  }
}

export function sweeperAlarms(
  sweeper: sst.aws.Function,
  names: Naming,
): Record<string, AlarmSettings> {
  const namespace = names.metricsNamespace
  return {
    SweepMissing: {
      description: 'No sweep has begun for a day: see the schedule',
      namespace: 'AWS/Lambda',
      metricName: 'Invocations',
      dimensions: { FunctionName: sweeper.name },
      threshold: 1,
      comparison: 'LessThanThreshold',
      minutes: 1440,
      missing: 'breaching',
    },
    SweepFailed: {
      description: 'Sweeps fail or don’t end: see the sweeper’s log',
      namespace: 'AWS/Lambda',
      metricName: 'Errors',
      dimensions: { FunctionName: sweeper.name },
      threshold: 1,
      minutes: 60,
    },
    ClaimsStuck: {
      description:
        'Attempts die and their devices don’t ask again: see `expired` in the sweeper’s log',
      namespace,
      metricName: 'sweepExpired',
      threshold: 10,
      minutes: 60,
    },
    SweepFindings: {
      description: 'A sweep found what it may not remove: see `reported` in the sweeper’s log',
      namespace,
      metricName: 'sweepReported',
      threshold: 1,
      minutes: 60,
    },
  }
}

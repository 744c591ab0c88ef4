import { type AlarmSettings, edgeAlarms, sweeperAlarms, tableAlarms } from './alarm-settings.ts'
import { createTopic } from './alarm-topic.ts'
import type { Edge } from './edge.ts'
import { type Naming, titleOf } from './names.ts'
import type { RouterPlan } from './plan.ts'

/** Every alarm of the deployment; returns the topics, by Region. */
export function createAlarms(deps: {
  plan: RouterPlan
  names: Naming
  account: $util.Output<string>
  edges: readonly Edge[]
  tables: readonly string[]
  sweeper: sst.aws.Function
  healthChecks: readonly { region: string; healthCheckId: $util.Output<string> }[]
}): Record<string, $util.Output<string>> {
  const { plan, names, edges } = deps
  const topics = new Map<string, aws.sns.Topic>()
  const add = (title: string, region: string, settings: AlarmSettings) => {
    const topic = topics.get(region) ?? createTopic(region, plan, deps.account)
    topics.set(region, topic)
    createAlarm(title, region, topic, settings)
  }
  for (const edge of edges) {
    const groups = [edgeAlarms(edge, names), ...deps.tables.map(tableAlarms)]
    groups.forEach((alarms, index) => {
      for (const [name, settings] of Object.entries(alarms)) {
        add(`${titleOf(edge.region)}${name}${index || ''}`, edge.region, settings)
      }
    })
  }
  const [home] = edges
  for (const [name, settings] of Object.entries(sweeperAlarms(deps.sweeper, names))) {
    add(name, home?.region ?? '', settings)
  }
  for (const { region, healthCheckId } of deps.healthChecks) {
    // Route 53 keeps its metrics in us-east-1 alone: this alarm works while the edge’s Region is lost.
    add(`${titleOf(region)}Unhealthy`, 'us-east-1', {
      description: `The edge in ${region} is out of the domain’s records: see /healthz there`,
      namespace: 'AWS/Route53',
      metricName: 'HealthCheckStatus',
      dimensions: { HealthCheckId: healthCheckId },
      statistic: 'Minimum',
      threshold: 1,
      comparison: 'LessThanThreshold',
      minutes: 1,
      periods: 3,
      missing: 'breaching',
    })
  }
  return Object.fromEntries([...topics].map(([region, topic]) => [region, topic.arn]))
}

function createAlarm(
  title: string,
  region: string,
  topic: aws.sns.Topic,
  settings: AlarmSettings,
): void {
  new aws.cloudwatch.MetricAlarm(`Alarm${title}`, {
    name: `landfall-${$app.stage}-${title}`,
    alarmDescription: settings.description,
    namespace: settings.namespace,
    metricName: settings.metricName,
    ...(settings.dimensions === undefined ? {} : { dimensions: settings.dimensions }),
    statistic: settings.statistic ?? 'Sum',
    comparisonOperator: settings.comparison ?? 'GreaterThanOrEqualToThreshold',
    threshold: settings.threshold,
    period: settings.minutes * 60,
    evaluationPeriods: settings.periods ?? 1,
    treatMissingData: settings.missing ?? 'notBreaching',
    alarmActions: [topic.arn],
    okActions: [topic.arn],
    region,
  })
}

import type { Naming } from './names.ts'
import type { RouterPlan } from './plan.ts'

type Known = {
  readonly apiIds: Readonly<Record<string, string>>
  readonly tables: readonly string[]
}

/** One page a deployment: what devices get, how long it takes, and where it goes wrong. Pure. */
export function dashboardBody(plan: RouterPlan, names: Naming, known: Known): string {
  const [home = ''] = plan.edges
  const { metricsNamespace: own } = names
  const perEdge = (metric: (edge: string) => unknown[]) => plan.edges.map(metric)
  const perRegion = (metric: string) =>
    plan.edges.flatMap((edge) =>
      plan.deviceRegions.map(({ region }) => {
        const label = `${region} by ${edge}`
        return [own, metric, 'edge', edge, 'region', region, { region: edge, label }]
      }),
    )
  const widgets = [
    widget(
      'Answers by outcome',
      home,
      'Sum',
      plan.edges.flatMap((edge) =>
        ['provisioned', 'repeated', 'refused', 'failed'].map((name) => [
          own,
          name,
          'edge',
          edge,
          { region: edge, label: `${name} ${edge}` },
        ]),
      ),
    ),
    widget(
      'Milliseconds a request, p95',
      home,
      'p95',
      perEdge((edge) => [own, 'milliseconds', 'edge', edge, { region: edge }]),
    ),
    widget('Devices by region', home, 'Sum', perRegion('provisioned')),
    widget(
      'Region errors',
      home,
      'Sum',
      perEdge((edge) => [own, 'regionError', 'edge', edge, { region: edge }]),
    ),
    widget('Regions kept out', home, 'Sum', perRegion('breakerOpened')),
    widget(
      'Requests that were not authorized',
      home,
      'Sum',
      plan.edges.flatMap((edge) =>
        ['unknown', 'wrong-sig'].map((reason) => [
          own,
          'notAuthorized',
          'edge',
          edge,
          'reason',
          reason,
          { region: edge, label: `${reason} ${edge}` },
        ]),
      ),
    ),
    widget(
      'API 5xx',
      home,
      'Sum',
      perEdge((edge) => ['AWS/ApiGateway', '5xx', 'ApiId', known.apiIds[edge], { region: edge }]),
    ),
    widget(
      'Writes to the tables',
      home,
      'Sum',
      plan.edges.flatMap((edge) =>
        known.tables.map((table) => [
          'AWS/DynamoDB',
          'ConsumedWriteCapacityUnits',
          'TableName',
          table,
          { region: edge },
        ]),
      ),
    ),
    widget(
      'Sweeps',
      home,
      'Sum',
      ['sweepDestroyed', 'sweepFinished', 'sweepExpired', 'sweepReported', 'sweepFailed'].map(
        (name) => [own, name, { region: home }],
      ),
    ),
  ]
  const placed = widgets.map((it, index) => ({
    ...it,
    x: (index % 2) * 12,
    y: Math.floor(index / 2) * 6,
  }))
  return JSON.stringify({ widgets: placed })
}

function widget(title: string, region: string, stat: string, metrics: unknown[][]) {
  return {
    type: 'metric',
    width: 12,
    height: 6,
    properties: { title, region, stat, metrics, period: 300, view: 'timeSeries', stacked: false },
  }
}

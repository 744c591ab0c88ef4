import { parseConfig } from '../../app/edge/config.ts'
import { createEdge } from '../../app/edge/edge.ts'
import { openLandfall } from '../../app/edge/landfall-deployment.ts'
import { account, routerKeysFile } from './deployments.ts'

/**
 * What the app serves, as an HTTP API names routes: `{name}` for a parameter, and ANY for a path that
 * answers every method. A HEAD isn't among them: Hono answers it wherever it answers a GET.
 */
export async function servedRoutes(): Promise<string[]> {
  const config = parseConfig({
    region: 'eu-west-1',
    deviceRegions: [{ region: 'eu-west-1', roleArn: `arn:aws:iam::${account}:role/edge` }],
    audience: 'landfall-test',
  })
  const served = createEdge(config, {
    platform: { peerAddress: () => '', requestId: () => '', secondsLeft: () => 0 },
    location: { locate: () => undefined, source: 'none', date: '2026-11-22', attribution: '' },
    landfall: await openLandfall(config, routerKeysFile, 'the test'),
    logTo: { write() {} },
  })
  served.close()
  const methods = new Map<string, string[]>()
  for (const { path, method } of served.app.routes) {
    const named = path.replace(/:(\w+)/g, '{$1}')
    methods.set(named, [...(methods.get(named) ?? []), method])
  }
  return [...methods].flatMap(([path, its]) =>
    its.includes('ALL') ? [`ANY ${path}`] : its.map((method) => `${method} ${path}`),
  )
}

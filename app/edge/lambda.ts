import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda'
import { loadLocationOrNone } from '../../regions/load-location.ts'
import { createEdge } from './edge.ts'
import { readLambdaConfig } from './lambda-config.ts'
import { openLandfall } from './landfall-deployment.ts'

/** What an HTTP API hands over beside the request (payload format 2.0). */
type LambdaEnv = {
  event: { requestContext: { requestId: string; http: { sourceIp: string } } }
  lambdaContext: Pick<LambdaContext, 'getRemainingTimeInMillis'>
}

const config = await readLambdaConfig(process.env)
const platform = {
  peerAddress: (c: { env: LambdaEnv }) => c.env.event.requestContext.http.sourceIp,
  requestId: (c: { env: LambdaEnv }) => c.env.event.requestContext.requestId,
  secondsLeft: (c: { env: LambdaEnv }) => c.env.lambdaContext.getRemainingTimeInMillis() / 1000,
}
// Lambda has checked the package that the table came in, and a cold start is to be short.
const location = await loadLocationOrNone(config.locationFile, { verify: false })
const routerKeys = process.env.LANDFALL_ROUTER_KEYS
const landfall = await openLandfall(config, routerKeys, 'LANDFALL_ROUTER_KEYS')
const edge = createEdge(config, { platform, location, landfall })
// During init, which has a core of its own: no request has to wait for roles and products.
await edge.warm()

/** The Lambda behind an HTTP API or a function URL. Everything a request began is ended with it. */
export const handler: (event: LambdaEvent, context?: LambdaContext) => Promise<unknown> = handle(
  edge.app,
)

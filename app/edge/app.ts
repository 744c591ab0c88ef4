import type { Context } from 'hono'
import { Hono } from 'hono'
import type { Logger } from 'pino'
import { addHealthRoute } from './health-route.ts'
import type { LandingDeps } from './land-device.ts'
import { landfallProblem } from './landfall-answer.ts'
import { addLandfallRoutes } from './landfall-routes.ts'
import { type ProblemAnswer, problemNamed, problemOf } from './problems.ts'
import type { LandfallDeployment } from './provision-landfall-device.ts'
import { addReferenceRoutes } from './reference-routes.ts'
import { describeError } from './request-log.ts'
import { seedError } from './seed-answer.ts'
import { addSeedRoute, seedPath } from './seed-route.ts'

export type EdgeDeps = LandingDeps & {
  readonly edgeRegion: string
  readonly metricsNamespace: string
  readonly deadlineSeconds: number
  readonly log: Logger
  /** The TCP peer, as the platform vouches for it. */
  readonly peerAddress: (c: Context) => string
  /** The platform's id of this request, where it has one. */
  readonly requestId: (c: Context) => string
  /** Seconds until the platform stops this request by force; Infinity where it never does. */
  readonly secondsLeft: (c: Context) => number
  readonly clientAddress: (peer: string, forwardedFor: string | undefined) => string
  /** Throws AppError `too-many-requests` where this address asks too often. */
  readonly limitAddress: (address: string) => Promise<void>
  readonly isHealthy: () => Promise<boolean>
  /** Seconds that a device shall wait which these regions, or one other cause, stood in the way of. */
  readonly waitFor: (causes: readonly string[]) => number
  /** Undefined: this deployment speaks the seed contract only. */
  readonly landfall: LandfallDeployment | undefined
}

/** The edge as one Hono app; the Node server and the Lambda serve the same. */
export function createApp(deps: EdgeDeps): Hono {
  const app = new Hono()
  addSeedRoute(app, deps)
  addHealthRoute(app, deps)
  if (deps.landfall !== undefined) {
    addLandfallRoutes(app, deps, deps.landfall)
    addReferenceRoutes(app, deps.landfall)
  }
  const fail = (c: Context, problem: ProblemAnswer) =>
    deps.landfall === undefined || c.req.path.startsWith(seedPath)
      ? seedError(c, problem, deps.requestId(c))
      : landfallProblem(c, problem, deps.requestId(c))

  app.notFound((c) => fail(c, problemNamed('not-found', 'not found')))
  app.onError((error, c) => {
    const problem = problemOf(error)
    if (problem.status >= 500) {
      deps.log.error(
        { requestId: deps.requestId(c), error: describeError(error) },
        'a route failed',
      )
    }
    return fail(c, problem)
  })
  return app
}

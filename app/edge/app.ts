import type { Context } from 'hono'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Logger } from 'pino'
import { startDeadline, withinDeadline } from '../../regions/deadline.ts'
import { RegionError } from '../../regions/region-error.ts'
import { AppError } from '../app-error.ts'
import type { Incident } from '../provisioning/attempt.ts'
import { measureWaves } from '../provisioning/waves.ts'
import { problemOf } from './problems.ts'
import {
  type DeviceProvisioningDeps,
  provisionDevice,
  type RequestNotes,
} from './provision-device.ts'
import { describeError, logRequest } from './request-log.ts'
import { seedAnswer, seedError } from './seed-answer.ts'

export type EdgeDeps = DeviceProvisioningDeps & {
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
  readonly limitAddress: (address: string) => Promise<void>
  readonly isHealthy: () => Promise<boolean>
  /** Seconds that a device shall wait which these regions, or one other cause, stood in the way of. */
  readonly waitFor: (causes: readonly string[]) => number
}

const longestBody = 16 * 1024
const unexplained: ReadonlySet<string> = new Set(['conflict', 'region-not-ours'])
export const provisioningPath = '/device-provisioning'

/** The edge as one Hono app; the Node server and the Lambda serve the same. */
export function createApp(deps: EdgeDeps): Hono {
  const app = new Hono()
  const limitBody = bodyLimit({
    maxSize: longestBody,
    onError: () => {
      throw new AppError('request-too-large', `the body is longer than ${longestBody} bytes`)
    },
  })

  app.all(provisioningPath, async (c) => {
    if (c.req.method !== 'POST') {
      c.header('Allow', 'POST')
      return c.json({ status: 'error', message: 'method not allowed' }, 405)
    }
    return await answerDevice(deps, c, async () => {
      let body = ''
      await limitBody(c, async () => {
        body = await c.req.text()
      })
      return body
    })
  })

  app.get('/healthz', async (c) => {
    const readable = await deps.isHealthy()
    // Another edge may have the data, and a device that is badly placed stays so.
    const healthy = readable && deps.locating
    const productsFailingSince = deps.products.failingSince()
    return c.json(
      {
        status: healthy ? 'ok' : 'failing',
        region: deps.edgeRegion,
        allowList: readable ? 'ok' : 'unreadable',
        location: deps.locating ? 'ok' : 'missing',
        products:
          productsFailingSince === undefined
            ? 'ok'
            : `unreadable since ${new Date(productsFailingSince).toISOString()}`,
        // Told, not judged: DNS must not give this edge up for a region that it can do without.
        regions: deps.regionStatus.states(deps.products.copy()?.status),
      },
      healthy ? 200 : 503,
    )
  })

  app.notFound((c) => c.json({ status: 'error', message: 'not found' }, 404))
  app.onError((error, c) => {
    const requestId = deps.requestId(c)
    deps.log.error({ requestId, error: describeError(error) }, 'a route failed')
    return seedError(c, problemOf(error), requestId)
  })
  return app
}

async function answerDevice(
  deps: EdgeDeps,
  c: Context,
  readBody: () => Promise<string>,
): Promise<Response> {
  const startedAt = performance.now()
  const requestId = deps.requestId(c)
  const address = deps.clientAddress(deps.peerAddress(c), c.req.header('X-Forwarded-For'))
  const deadline = startDeadline(Math.min(deps.deadlineSeconds, deps.secondsLeft(c) - 1))
  const waves = measureWaves(() => performance.now())
  const notes: RequestNotes = {}
  const incidents: Incident[] = []
  const common = () => ({
    ...notes,
    requestId,
    address,
    incidents,
    milliseconds: performance.now() - startedAt,
    waves: waves.milliseconds,
  })
  try {
    await deps.limitAddress(address)
    const body = await withinDeadline(deadline.signal, readBody())
    const onTrouble = (trouble: string, error?: unknown) =>
      deps.log.warn({ requestId, thingName: notes.thingName, error: describeError(error) }, trouble)
    const onIncident = (incident: Incident) => void incidents.push(incident)
    const { signal } = deadline
    const it = await provisionDevice(deps, {
      body,
      address,
      notes,
      waves,
      signal,
      onIncident,
      onTrouble,
    })
    const { region, certificateId, distanceKm } = it
    const outcome = it.created ? 'provisioned' : 'repeated'
    const kept = { region, certificateId, distanceKm }
    logRequest(deps.log, deps, { ...common(), ...kept, outcome, status: 200 })
    return seedAnswer(c, it, address, requestId)
  } catch (error) {
    const answer = problemOf(error, deps.waitFor)
    const { status } = answer.problem
    logRequest(deps.log, deps, {
      ...common(),
      outcome: status >= 500 && answer.reason !== 'in-progress' ? 'failed' : 'refused',
      status,
      reason: answer.reason,
      retryAfterSeconds: answer.retryAfterSeconds,
      ...(error instanceof RegionError ? { region: error.region } : {}),
      // A device is told nothing of these; whoever keeps the rows and the things has to be.
      ...(status >= 500 || unexplained.has(answer.reason) ? { error } : {}),
    })
    return seedError(c, answer, requestId)
  } finally {
    deadline.end()
  }
}

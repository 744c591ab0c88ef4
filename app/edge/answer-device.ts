import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { startDeadline, withinDeadline } from '../../regions/deadline.ts'
import { RegionError } from '../../regions/region-error.ts'
import { AppError } from '../app-error.ts'
import type { Incident } from '../provisioning/attempt.ts'
import { measureWaves } from '../provisioning/waves.ts'
import type { EdgeDeps } from './app.ts'
import type { Asking, Landing, RequestNotes } from './land-device.ts'
import { type ProblemAnswer, problemOf } from './problems.ts'
import { describeError, logRequest } from './request-log.ts'

const longestBody = 16 * 1024
const unexplained: ReadonlySet<string> = new Set(['conflict', 'region-not-ours'])

const limitBody = bodyLimit({
  maxSize: longestBody,
  onError: () => {
    throw new AppError('request-too-large', `the body is longer than ${longestBody} bytes`)
  },
})

/** How one contract reads a request and words its answers. */
export type ContractRoute<L extends Landing> = {
  readonly contract: 'seed' | 'landfall'
  provision(asking: Asking): Promise<L>
  succeed(landing: L, about: { address: string; requestId: string }): Response
  fail(problem: ProblemAnswer, requestId: string): Response
}

/** One request of a device, whatever its contract: budget, size, deadline, answer, and its log line. */
export async function answerDevice<L extends Landing>(
  deps: EdgeDeps,
  c: Context,
  route: ContractRoute<L>,
): Promise<Response> {
  const startedAt = performance.now()
  const requestId = deps.requestId(c)
  const address = deps.clientAddress(deps.peerAddress(c), c.req.header('X-Forwarded-For'))
  const deadline = startDeadline(Math.min(deps.deadlineSeconds, deps.secondsLeft(c) - 1))
  const { signal } = deadline
  const waves = measureWaves(() => performance.now())
  const notes: RequestNotes = {}
  const incidents: Incident[] = []
  const common = () => ({
    contract: route.contract,
    ...notes,
    requestId,
    address,
    incidents,
    milliseconds: performance.now() - startedAt,
    waves: waves.milliseconds,
  })
  try {
    await deps.limitAddress(address)
    const body = await withinDeadline(signal, readBody(c))
    const onTrouble = (trouble: string, error?: unknown) =>
      deps.log.warn({ requestId, thingName: notes.thingName, error: describeError(error) }, trouble)
    const onIncident = (incident: Incident) => void incidents.push(incident)
    const asking = { body, address, notes, waves, signal, onIncident, onTrouble }
    const it = await route.provision(asking)
    const { region, certificateId, distanceKm } = it
    const outcome = it.created ? 'provisioned' : 'repeated'
    const kept = { region, certificateId, distanceKm }
    logRequest(deps.log, deps, { ...common(), ...kept, outcome, status: 200 })
    return route.succeed(it, { address, requestId })
  } catch (error) {
    const answer = problemOf(error, deps.waitFor)
    const response = route.fail(answer, requestId)
    const { status } = response
    logRequest(deps.log, deps, {
      ...common(),
      outcome: status >= 500 && answer.reason !== 'in-progress' ? 'failed' : 'refused',
      status,
      reason: answer.reason,
      retryAfterSeconds: answer.retryAfterSeconds,
      ...(error instanceof RegionError ? { region: error.region } : {}),
      // A device is told nothing of these; whoever keeps the rows and the things has to be.
      ...(status >= 500 || unexplained.has(answer.reason) || isUnreadable(error) ? { error } : {}),
    })
    return response
  } finally {
    deadline.end()
  }
}

async function readBody(c: Context): Promise<string> {
  let body = ''
  await limitBody(c, async () => {
    body = await c.req.text()
  })
  return body
}

/** A name whose row is no device record, told apart from one that isn't there. */
function isUnreadable(error: unknown): boolean {
  return error instanceof AppError && error.code === 'unknown' && error.cause !== undefined
}

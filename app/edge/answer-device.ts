import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { DeadlineError, startDeadline, withinDeadline } from '../../regions/deadline.ts'
import { RegionError } from '../../regions/region-error.ts'
import { AppError } from '../app-error.ts'
import type { Incident } from '../provisioning/attempt.ts'
import { measureWaves } from '../provisioning/waves.ts'
import type { EdgeDeps } from './app.ts'
import type { Asking, Landing, RequestNotes } from './land-device.ts'
import { type ProblemAnswer, problemOf } from './problems.ts'
import { describeError, logRequest } from './request-log.ts'

const longestBody = 16 * 1024
/** What waiting may help, and yet no fault of this edge's or of AWS's. */
const ofTheDevice: ReadonlySet<string> = new Set(['in-progress', 'slow-request'])
const unexplained: ReadonlySet<string> = new Set(['conflict', 'region-not-ours', 'stale'])

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
    const body = await readBody(c, signal)
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
      outcome: status >= 500 && !ofTheDevice.has(answer.reason) ? 'failed' : 'refused',
      status,
      reason: answer.reason,
      retryAfterSeconds: answer.retryAfterSeconds,
      ...(error instanceof RegionError ? { region: error.region } : {}),
      // What a device is told of these is not all: whoever keeps the rows and the things needs the rest.
      ...(status >= 500 || unexplained.has(answer.reason) || isUnreadable(error) ? { error } : {}),
    })
    return response
  } finally {
    deadline.end()
  }
}

/** Throws AppError where it is too large, too slow, or not all of it comes: none is a fault of the edge. */
async function readBody(c: Context, signal: AbortSignal): Promise<string> {
  let body = ''
  const reading = limitBody(c, async () => {
    body = await c.req.text()
  })
  try {
    await withinDeadline(signal, reading)
    return body
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    const slow = cause instanceof DeadlineError
    const code = slow ? 'slow-request' : 'incomplete-request'
    throw new AppError(code, slow ? 'the body came too slowly' : 'the body is cut off', { cause })
  }
}

/** A name whose row is no device record, told apart from one that isn't there. */
function isUnreadable(error: unknown): boolean {
  return error instanceof AppError && error.code === 'unknown' && error.cause !== undefined
}

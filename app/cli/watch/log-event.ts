import * as z from 'zod'
import { requestOutcomes } from '../../edge/request-log.ts'
import { type Incident, incidents } from '../../provisioning/attempt.ts'

/** What a line of a log tells. Text is as it was logged: anybody's, so never printed as it is. */
export type LogEvent = RequestEvent | BreakerEvent | TroubleEvent

/** One device's request, and what became of it (app/edge/request-log.ts). */
export type RequestEvent = { readonly type: 'request' } & z.infer<typeof requestSchema> & {
    readonly incidents: readonly Incident[]
  }

/** A region that an edge keeps new devices out of, or lets them into again (app/edge/breaker-log.ts). */
export type BreakerEvent = {
  readonly type: 'breaker'
  readonly state: 'open' | 'closed'
} & z.infer<typeof breakerSchema>

/** Whatever else an edge or a sweeper warned of. */
export type TroubleEvent = {
  readonly type: 'trouble'
  readonly message: string
} & z.infer<typeof troubleSchema>

// A member of another type than it should have is as good as none: a log is read as far as it goes.
const text = z.string().optional().catch(undefined)
const number = z.number().optional().catch(undefined)
/** ISO 8601. */
const time = z.string().refine((it) => !Number.isNaN(Date.parse(it)))

const requestSchema = z.object({
  time,
  outcome: z.enum(requestOutcomes),
  thingName: text,
  product: text,
  region: text,
  distanceKm: number,
  /** Why the region, in one line. */
  placement: text,
  /** Why it was refused, or failed. */
  reason: text,
  status: number,
  retryAfterSeconds: number,
  contract: text,
  address: text,
  certificateId: text,
  edge: text,
  milliseconds: number,
  error: text,
  requestId: text,
})

const breakerSchema = z.object({
  time,
  region: z.string(),
  edge: text,
  /** The process that logged it saw it itself. */
  own: z.boolean().optional().catch(undefined),
  lastError: text,
  until: text,
})

const troubleSchema = z.object({
  time,
  level: z.enum(['warn', 'error', 'fatal']),
  thingName: text,
  region: text,
  error: text,
  requestId: text,
})

/**
 * Reads one line of a log: an edge's JSON, behind whatever a collector put before it. undefined for any
 * other line; never throws.
 */
export function findLogEvent(line: string): LogEvent | undefined {
  const logged = findLogged(line)
  if (logged === undefined) return undefined
  const { msg } = logged
  if (msg === 'request') {
    const { success, data } = requestSchema.safeParse(logged)
    if (!success) return undefined
    return { type: 'request', ...data, incidents: incidents.filter((name) => logged[name] === 1) }
  }
  if (msg === 'breaker opened' || msg === 'breaker closed') {
    const { success, data } = breakerSchema.safeParse(logged)
    const state = msg === 'breaker opened' ? 'open' : 'closed'
    return success ? { type: 'breaker', state, ...data } : undefined
  }
  const { success, data } = troubleSchema.safeParse(logged)
  return success ? { type: 'trouble', message: msg, ...data } : undefined
}

/** Where a line's JSON may begin: behind time and stream, which hold few braces. */
const mostBraces = 4

function findLogged(line: string): ({ msg: string } & Record<string, unknown>) | undefined {
  // Most lines of others end here, at little cost.
  if (!line.includes('"msg"')) return undefined
  let at = line.indexOf('{')
  for (let tries = 0; at !== -1 && tries < mostBraces; tries++) {
    const parsed = findJson(line.slice(at))
    if (typeof parsed === 'object' && parsed !== null && 'msg' in parsed) {
      const { msg } = parsed
      return typeof msg === 'string' ? { ...parsed, msg } : undefined
    }
    at = line.indexOf('{', at + 1)
  }
  return undefined
}

function findJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

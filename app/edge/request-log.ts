import type { Logger } from 'pino'
import type { Incident } from '../provisioning/attempt.ts'
import { type Waves, waveNames } from '../provisioning/waves.ts'

/** `repeated`: the device got again what it had. */
export const requestOutcomes = ['provisioned', 'repeated', 'refused', 'failed'] as const

/** What one provisioning request came to: one line of the log, and its metrics. */
export type RequestOutcome = {
  readonly contract: 'seed' | 'landfall'
  readonly requestId: string
  /** Only a name of the right form; whatever else was sent stays out of the log. */
  readonly thingName?: string | undefined
  readonly address: string
  readonly outcome: (typeof requestOutcomes)[number]
  readonly status: number
  /** Why it was refused or failed. */
  readonly reason?: string | undefined
  /** What the device was told. */
  readonly retryAfterSeconds?: number | undefined
  readonly product?: string | undefined
  readonly region?: string | undefined
  readonly placement?: string | undefined
  readonly distanceKm?: number | undefined
  readonly certificateId?: string | undefined
  readonly incidents: readonly Incident[]
  readonly milliseconds: number
  readonly waves: Waves['milliseconds']
  readonly error?: unknown
}

/** Where a request was answered, and the CloudWatch namespace that its metrics go to. */
export type RequestPlace = { readonly edgeRegion: string; readonly metricsNamespace: string }

/**
 * Writes a request as one JSON line that is a CloudWatch metric too (Embedded Metric Format
 * specification): counts by outcome, incident, reason and region, and the milliseconds of each wave.
 */
export function logRequest(log: Logger, place: RequestPlace, it: RequestOutcome): void {
  const line = { ...fields(it), ...metrics(place, it) }
  if (it.outcome === 'failed') log.error(line, 'request')
  else log.info(line, 'request')
}

function fields(it: RequestOutcome) {
  const { error, waves, milliseconds, incidents, ...rest } = it
  if (error === undefined) return rest
  // Only what nobody foresaw needs its place in the code.
  const place = it.reason === 'internal' ? { stack: framesOf(error) } : {}
  return { ...rest, error: describeError(error), ...place }
}

function metrics({ edgeRegion: edge, metricsNamespace }: RequestPlace, it: RequestOutcome) {
  const values: Record<string, number> = { milliseconds: round(it.milliseconds) }
  const units = [{ Name: 'milliseconds', Unit: 'Milliseconds' }]
  for (const wave of waveNames) {
    const value = it.waves[wave]
    if (value === undefined) continue
    values[`${wave}Milliseconds`] = round(value)
    units.push({ Name: `${wave}Milliseconds`, Unit: 'Milliseconds' })
  }
  const counted: string[] = [it.outcome, ...it.incidents]
  if (it.reason?.startsWith('region-')) counted.push('regionError')
  if (it.reason === 'unknown' || it.reason === 'wrong-sig') counted.push('notAuthorized')
  for (const name of counted) {
    values[name] = 1
    units.push({ Name: name, Unit: 'Count' })
  }
  const dimensions = [['edge']]
  if (it.reason !== undefined) dimensions.push(['edge', 'reason'])
  if (it.region !== undefined) dimensions.push(['edge', 'region'])
  return {
    edge,
    ...values,
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [{ Namespace: metricsNamespace, Dimensions: dimensions, Metrics: units }],
    },
  }
}

/**
 * An error's names and messages down its causes; never an SDK's request or answer. Of a SyntaxError the
 * name only: a parser quotes what it read, which may be an answer with a key in it.
 */
export function describeError(error: unknown): string {
  const parts: string[] = []
  for (let it = error, depth = 0; it instanceof Error && depth < 4; it = it.cause, depth += 1) {
    parts.push(it.name === 'SyntaxError' ? it.name : `${it.name}: ${it.message}`)
  }
  return parts.join(' <- ') || 'unknown failure'
}

/** Where it was thrown; its message stands above the frames, and is described elsewhere. */
function framesOf(error: unknown): string | undefined {
  const lines = error instanceof Error ? error.stack?.split('\n') : undefined
  return lines?.filter((line) => /^\s+at /.test(line)).join('\n')
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10
}

import type { Incident } from '../../provisioning/attempt.ts'
import { plainText } from '../plain-text.ts'
import { displayWidth } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import type { BreakerEvent, LogEvent, RequestEvent, TroubleEvent } from './log-event.ts'

type Paint = Terminal['paint']

/** Names up to so long are aligned; AWS IoT's may have 128 characters. */
const widestName = 40
const kmWidth = 8
const outcomeWidth = 'provisioned'.length

const colours = {
  provisioned: 'green',
  repeated: 'cyan',
  refused: 'yellow',
  failed: 'red',
} as const satisfies Record<RequestEvent['outcome'], string>

const happened = {
  takenOver: 'took over an attempt',
  replaced: 'replaced a certificate',
  failedOver: 'after another region failed',
  undone: 'cleaned up',
  overtaken: 'was overtaken',
} as const satisfies Record<Incident, string>

/**
 * Events as lines for people, aligned by what came so far; a line with the date where a day begins. Times
 * are UTC. What was logged comes out as plain text, whatever it holds.
 */
export function eventLines(paint: Paint): (event: LogEvent) => string[] {
  let day = ''
  let nameWidth = 12
  let regionWidth = 'ap-northeast-1'.length
  return (event) => {
    const time = new Date(event.time).toISOString()
    const lines: string[] = []
    if (time.slice(0, 10) !== day) {
      day = time.slice(0, 10)
      lines.push(paint('dim', `${day}, times in UTC`))
    }
    const at = paint('dim', time.slice(11, 19))
    if (event.type !== 'request') {
      const { what, colour, text } = event.type === 'breaker' ? breaker(event) : trouble(event)
      lines.push(`${at}  ${paint(colour, what.padEnd(outcomeWidth))}  ${text}`)
      return lines
    }
    const name = plainText(event.thingName ?? '-')
    const region = plainText(event.region ?? '-')
    nameWidth = Math.max(nameWidth, Math.min(widestName, displayWidth(name)))
    regionWidth = Math.max(regionWidth, Math.min(widestName, displayWidth(region)))
    const cells = [
      at,
      paint(colours[event.outcome], event.outcome.padEnd(outcomeWidth)),
      pad(name, nameWidth),
      pad(region, regionWidth),
      kilometres(event).padStart(kmWidth),
      why(event),
    ]
    lines.push(cells.join('  ').trimEnd())
    return lines
  }
}

function kilometres({ outcome, distanceKm }: RequestEvent): string {
  if (distanceKm === undefined || outcome === 'refused' || outcome === 'failed') return ''
  return `${Math.round(distanceKm).toLocaleString('en')} km`
}

function why(event: RequestEvent): string {
  const { outcome, reason, placement, retryAfterSeconds, address, error } = event
  const parts: (string | undefined)[] = []
  if (outcome === 'repeated') parts.push('as before')
  else if (outcome === 'provisioned') parts.push(placement)
  else {
    const later = retryAfterSeconds === undefined ? '' : `, told to wait ${retryAfterSeconds} s`
    parts.push(`${reason ?? 'no reason'}${later}`)
    if (reason === 'regions-unavailable') parts.push(placement)
    if (address !== undefined) parts.push(`from ${address}`)
  }
  parts.push(...event.incidents.map((it) => happened[it]), error)
  return parts.flatMap((part) => (part === undefined ? [] : [plainText(part)])).join('; ')
}

function breaker({ state, region, edge, lastError, until }: BreakerEvent) {
  const where = plainText(`${region}${edge === undefined ? '' : ` at the edge in ${edge}`}`)
  if (state === 'closed') {
    return { what: 'restored', colour: 'green', text: `${where} takes new devices again` } as const
  }
  const because = lastError === undefined ? '' : `: ${plainText(lastError)}`
  const end = until === undefined ? '' : `, until ${plainText(until)}`
  return { what: 'kept out', colour: 'red', text: `${where}${because}${end}` } as const
}

function trouble({ level, message, error, thingName, region }: TroubleEvent) {
  const about = [thingName, region].flatMap((it) => (it === undefined ? [] : [plainText(it)]))
  const text = [...about, message, error].flatMap((it) => (it === undefined ? [] : [plainText(it)]))
  const what = level === 'warn' ? 'warning' : 'error'
  return { what, colour: level === 'warn' ? 'yellow' : 'red', text: text.join(': ') } as const
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)))
}

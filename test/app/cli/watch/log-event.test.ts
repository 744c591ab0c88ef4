import { Writable } from 'node:stream'
import fc from 'fast-check'
import type { Logger } from 'pino'
import { describe, expect, it } from 'vitest'
import { findLogEvent } from '../../../../app/cli/watch/log-event.ts'
import { logBreaker } from '../../../../app/edge/breaker-log.ts'
import { createLog } from '../../../../app/edge/log.ts'
import {
  logRequest,
  type RequestOutcome,
  requestOutcomes,
} from '../../../../app/edge/request-log.ts'
import { incidents } from '../../../../app/provisioning/attempt.ts'
import { anyCharacter } from '../../../any-text.ts'

const place = { edgeRegion: 'eu-west-1', metricsNamespace: 'Landfall' }

/** The lines that the edge's own functions write. */
function logged(write: (log: Logger) => void): string[] {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk).trimEnd())
      done()
    },
  })
  write(createLog({ logLevel: 'info' }, stream))
  return lines
}

// UTF-8, as a log is, has no half of a surrogate pair.
const words = fc.string({ unit: anyCharacter }).map((text) => text.toWellFormed())
const maybe = <T>(it: fc.Arbitrary<T>) => fc.option(it, { nil: undefined })
const outcome: fc.Arbitrary<RequestOutcome> = fc.record({
  contract: fc.constantFrom('seed', 'landfall'),
  requestId: fc.uuid(),
  thingName: maybe(words),
  address: words,
  outcome: fc.constantFrom(...requestOutcomes),
  status: fc.constantFrom(200, 403, 503),
  reason: maybe(words),
  retryAfterSeconds: maybe(fc.nat()),
  product: maybe(words),
  region: maybe(words),
  placement: maybe(words),
  distanceKm: maybe(fc.double({ min: 0, max: 20_000, noNaN: true })),
  certificateId: maybe(words),
  incidents: fc.subarray([...incidents]),
  milliseconds: fc.nat(),
  waves: fc.constant({}),
})
/** What collectors put before a line. */
const prefix = fc.constantFrom(
  '',
  '2026-11-25T16:03:05 ',
  '2026-11-25T16:03:05.123000+00:00 2026/11/25/[$LATEST]0123456789abcdef ',
  'Nov 25 16:03:05 host node[123]: ',
  'pod/{edge-1} ',
)

describe('findLogEvent', () => {
  it('reads back every request that an edge logs, whatever stands before it', () => {
    fc.assert(
      fc.property(outcome, prefix, (it, before) => {
        const [line = ''] = logged((log) => logRequest(log, place, it))
        const { waves: _, milliseconds, ...members } = it
        expect(findLogEvent(`${before}${line}\r`)).toEqual({
          ...members,
          type: 'request',
          time: expect.stringMatching(/^\d{4}-.*Z$/),
          edge: 'eu-west-1',
          milliseconds,
          incidents: incidents.filter((name) => it.incidents.includes(name)),
        })
      }),
    )
  })

  it('reads breakers and warnings', () => {
    const [opened = '', closed = '', warning = '', listening = ''] = logged((log) => {
      const change = { region: 'us-east-1', since: 0, lastError: 'unreachable' } as const
      logBreaker(log, place, { ...change, own: true, state: 'open', until: 20_000 })
      logBreaker(log, place, { ...change, own: false, state: 'closed' })
      log.warn({ region: 'us-east-1', error: 'AccessDenied' }, 'a region is not ready')
      log.info({ url: 'http://127.0.0.1:1' }, 'listening')
    })
    const until = '1970-01-01T00:00:20.000Z'
    const breaker = { type: 'breaker', region: 'us-east-1', edge: 'eu-west-1' }
    expect(findLogEvent(opened)).toMatchObject({
      ...breaker,
      state: 'open',
      own: true,
      until,
      lastError: 'unreachable',
    })
    expect(findLogEvent(closed)).toMatchObject({ ...breaker, state: 'closed', own: false })
    expect(findLogEvent(warning)).toMatchObject({
      type: 'trouble',
      message: 'a region is not ready',
      level: 'warn',
      region: 'us-east-1',
      error: 'AccessDenied',
    })
    expect(findLogEvent(listening)).toBeUndefined()
  })

  it('passes over everything else, and never throws', () => {
    const json = fc.json().map((text) => text.replace('{', '{"msg":"request",'))
    fc.assert(
      fc.property(fc.oneof(words, fc.string({ unit: anyCharacter }), json), (line) => {
        expect(findLogEvent(line)).toBeUndefined()
      }),
    )
    const deep = `{"msg":${'['.repeat(100_000)}`
    expect(findLogEvent(deep)).toBeUndefined()
    expect(findLogEvent('START RequestId: 1 Version: $LATEST "msg"')).toBeUndefined()
    expect(findLogEvent('{"msg":"request","outcome":"refused","time":"soon"}')).toBeUndefined()
    expect(findLogEvent('{"msg":"request","outcome":"eaten","time":"2026-11-25"}')).toBeUndefined()
  })

  it('drops a member of a wrong type, not the event', () => {
    const line =
      '{"msg":"request","outcome":"refused","time":"2026-11-25T00:00:00Z","region":7,"reason":"blocked"}'
    const event = findLogEvent(line)
    expect(event).toMatchObject({ type: 'request', reason: 'blocked' })
    expect(event?.region).toBeUndefined()
  })
})

import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventLines } from '../../../../app/cli/watch/event-line.ts'
import type { LogEvent, RequestEvent } from '../../../../app/cli/watch/log-event.ts'
import { startRate } from '../../../../app/cli/watch/rate.ts'
import { startWatchTally } from '../../../../app/cli/watch/watch-tally.ts'
import { anyCharacter } from '../../../any-text.ts'

const plain = () => eventLines((_, text) => text)
const request = (members: Partial<RequestEvent>): RequestEvent => ({
  type: 'request',
  time: '2026-11-25T16:03:05.123Z',
  outcome: 'provisioned',
  incidents: [],
  ...members,
})

const provisioned = request({
  thingName: 'lamp-7',
  region: 'eu-west-1',
  distanceKm: 1.9,
  placement: 'nearest: 2 km, before us-east-1 5463 km',
  incidents: ['failedOver'],
})

describe('eventLines', () => {
  it('aligns what happened, where, how far and why', () => {
    const lines = plain()
    expect(lines(provisioned)).toEqual([
      '2026-11-25, times in UTC',
      '16:03:05  provisioned  lamp-7        eu-west-1           2 km  nearest: 2 km, before us-east-1 5463 km; after another region failed',
    ])
    const later = { thingName: 'street-lamp-0000017', time: '2026-11-25T16:03:06Z' }
    expect(
      lines(request({ ...later, outcome: 'repeated', region: 'eu-west-1', distanceKm: 1234 })),
    ).toEqual(['16:03:06  repeated     street-lamp-0000017  eu-west-1       1,234 km  as before'])
    const refused = {
      outcome: 'refused',
      reason: 'already-provisioned',
      address: '134.226.1.1',
    } as const
    expect(lines(request({ ...later, ...refused }))).toEqual([
      '16:03:06  refused      street-lamp-0000017  -                         already-provisioned; from 134.226.1.1',
    ])
    const failed = {
      outcome: 'failed',
      reason: 'region-throttled',
      retryAfterSeconds: 5,
      region: 'us-east-1',
    } as const
    expect(lines(request({ time: '2026-11-26T00:00:00Z', ...failed }))).toEqual([
      '2026-11-26, times in UTC',
      '00:00:00  failed       -                    us-east-1                 region-throttled, told to wait 5 s',
    ])
  })

  it('tells of breakers and warnings', () => {
    const lines = plain()
    const time = '2026-11-25T16:03:05Z'
    const breaker = {
      type: 'breaker',
      time,
      region: 'us-east-1',
      edge: 'eu-west-1',
      own: true,
    } as const
    const until = '2026-11-25T16:03:25Z'
    expect(lines({ ...breaker, state: 'open', lastError: 'unreachable', until })[1]).toBe(
      `16:03:05  kept out     us-east-1 at the edge in eu-west-1: unreachable, until ${until}`,
    )
    expect(lines({ ...breaker, state: 'closed' })).toEqual([
      '16:03:05  restored     us-east-1 at the edge in eu-west-1 takes new devices again',
    ])
    expect(
      lines({
        type: 'trouble',
        time,
        level: 'warn',
        message: 'a region is not ready',
        region: 'us-east-1',
      }),
    ).toEqual(['16:03:05  warning      us-east-1: a region is not ready'])
  })

  it('lets nothing through that a terminal acts upon', () => {
    const hostile = fc.string({
      unit: fc.oneof(
        fc.constantFrom(
          '\u001b[2J',
          '\u001b]0;title\u0007',
          '\u009b31m',
          '\r',
          '\n',
          '\u202e',
          '\u0000',
          '\u200b',
          'a',
        ),
        anyCharacter,
      ),
    })
    const event: fc.Arbitrary<LogEvent> = fc.record({
      type: fc.constant('request'),
      time: fc.constant('2026-11-25T16:03:05Z'),
      outcome: fc.constantFrom('provisioned', 'refused', 'failed'),
      incidents: fc.constant([]),
      thingName: hostile,
      region: hostile,
      placement: hostile,
      reason: hostile,
      address: hostile,
      error: hostile,
    })
    fc.assert(
      fc.property(event, (it) => {
        const [, line = ''] = plain()(it)
        expect(line).not.toMatch(/[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f]/u)
        expect(stripVTControlCharacters(line)).toBe(line)
      }),
    )
  })
})

describe('startWatchTally', () => {
  it('counts by outcome, region and reason', () => {
    const tally = startWatchTally()
    tally.add(provisioned)
    tally.add(request({ time: '2026-11-25T16:03:15Z', region: 'eu-west-1', distanceKm: 4.1 }))
    tally.add(request({ outcome: 'repeated', region: 'eu-west-1', distanceKm: 900 }))
    tally.add(request({ outcome: 'refused', reason: 'blocked', region: 'eu-west-1' }))
    tally.add(request({ outcome: 'failed', reason: 'region-failing', region: 'us-east-1' }))
    tally.add({ type: 'breaker', state: 'open', own: true, time: '', region: 'us-east-1' })
    tally.add({ type: 'breaker', state: 'open', own: false, time: '', region: 'us-east-1' })
    tally.passOver()
    tally.keepOut(request({ outcome: 'failed', region: 'us-east-1' }))
    expect(tally.summary()).toEqual({
      requests: 5,
      requestsRead: 6,
      outcomes: { provisioned: 2, repeated: 1, refused: 1, failed: 1 },
      regions: [
        { region: 'eu-west-1', provisioned: 2, repeated: 1, failed: 0, meanKm: 3 },
        { region: 'us-east-1', provisioned: 0, repeated: 0, failed: 1, meanKm: undefined },
      ],
      reasons: [
        { reason: 'blocked', requests: 1 },
        { reason: 'region-failing', requests: 1 },
      ],
      breakersOpened: 1,
      passedOver: 1,
      seconds: expect.closeTo(9.877),
    })
  })

  it('stays small, whatever a log names', () => {
    const tally = startWatchTally()
    for (let count = 0; count < 1000; count++) {
      tally.add(request({ region: `nowhere-${count}` }))
      tally.add(request({ outcome: 'refused', reason: `because-${count}` }))
    }
    const { regions, reasons, requests } = tally.summary()
    expect(requests).toBe(2000)
    expect([regions.length, reasons.length]).toEqual([201, 201])
    expect(reasons[0]).toEqual({ reason: 'others', requests: 800 })
  })
})

describe('startRate', () => {
  it('is of the last ten seconds', () => {
    let now = 0
    const rate = startRate(() => now)
    for (let count = 0; count < 20; count++) rate.add()
    now = 500
    expect(rate.now()).toBe(20)
    now = 5_000
    expect(rate.now()).toBe(4)
    now = 11_000
    expect(rate.now()).toBe(0)
  })
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { DeviceEvent } from '../../../app/provisioning/device-event.ts'
import { allowedDevice, type DeviceRecord } from '../../../app/provisioning/device-record.ts'
import { transition } from '../../../app/provisioning/transition.ts'

const start = Date.parse('2026-06-01T12:00:00Z')
const leaseSeconds = 60
const by = 'test'

/** One request: how many seconds ago it was issued, with which key, and what becomes of its attempt. */
const requests = fc.record({
  age: fc.option(fc.constantFrom(-30, -1, 0, 1, 2, 60, 61, 130), { nil: undefined }),
  key: fc.constantFrom('key1', 'key2', undefined),
  rule: fc.constantFrom('refuse' as const, 'replace' as const),
  redeliverSeconds: fc.constantFrom(0, 120),
  ends: fc.constantFrom('commits', 'commits', 'fails', 'dies'),
  order: fc.constantFrom('none', 'none', 'block', 'unblock', 'unblock', 'reset', 'move', 'expire'),
  wait: fc.constantFrom(0, 1, 61, 130),
})
type Request = (typeof requests extends fc.Arbitrary<infer T> ? T : never) & {
  readonly issuedAt: number | undefined
}

function write(record: DeviceRecord, event: DeviceEvent, now: number): DeviceRecord | undefined {
  const outcome = transition(record, event, now)
  return outcome.type === 'write' ? outcome.next : undefined
}

function ask(request: Request, attemptId: string): DeviceEvent {
  const { key, issuedAt, rule, redeliverSeconds } = request
  return {
    type: 'ask',
    by,
    attemptId,
    target: { region: 'eu-west-1', placement: { reason: 'nearest' } },
    leaseSeconds,
    reprovisioning: { rule, redeliverSeconds },
    ...(key === undefined ? {} : { csrThumbprint: key }),
    ...(issuedAt === undefined ? {} : { issuedAt }),
  }
}

function commit({ key, issuedAt }: Request, attemptId: string): DeviceEvent {
  return {
    type: 'commit',
    by,
    attemptId,
    certificateId: `certificate-${attemptId}`,
    certificatePem: 'PEM',
    ...(key === undefined ? {} : { csrThumbprint: key }),
    ...(issuedAt === undefined ? {} : { issuedAt }),
  }
}

it('whatever happens between, certificates are made for ever later requests, and for none twice', () => {
  fc.assert(
    fc.property(fc.array(requests, { maxLength: 25 }), (asked) => {
      let record = allowedDevice('dev1', start)
      let now = start
      const committed: (number | undefined)[] = []
      let orderedAt = Number.NEGATIVE_INFINITY
      const obey = (event: DeviceEvent) => {
        const ordered = write(record, event, now)
        if (ordered === undefined) return
        if (event.type !== 'free' && record.lastIat !== undefined) orderedAt = now
        record = ordered
      }
      for (const [index, { age, ...rest }] of asked.entries()) {
        now += rest.wait * 1000
        const request = { age, ...rest, issuedAt: age === undefined ? undefined : now - age * 1000 }
        const attemptId = `a${index}`
        const claimed = write(record, ask(request, attemptId), now)
        record = claimed ?? record
        if (claimed !== undefined && request.ends === 'commits') {
          const next = write(record, commit(request, attemptId), now)
          if (next === undefined) throw new Error('a claim that nobody took could not commit')
          record = next
          committed.push(request.issuedAt)
          // What was issued before an operator's order makes nothing after it.
          expect(request.issuedAt ?? Number.POSITIVE_INFINITY).toBeGreaterThan(orderedAt)
        }
        if (claimed !== undefined && request.ends === 'fails') {
          record = write(record, { type: 'release', by, attemptId }, now) ?? record
        }
        const order = `o${index}`
        if (request.order === 'move') {
          const region = index % 2 === 0 ? 'us-east-1' : 'eu-west-1'
          obey({ type: 'move', by, attemptId: order, region })
        }
        if (request.order === 'expire') {
          const event: DeviceEvent = { type: 'expire', by, attemptId: order, leaseSeconds }
          record = write(record, event, now + 61_000) ?? record
        }
        if (request.order === 'block') {
          obey({ type: 'block', by, attemptId: order })
        }
        if (request.order === 'unblock') {
          obey({ type: 'unblock', by, attemptId: order })
        }
        if (request.order === 'reset') {
          obey({ type: 'reset', by, attemptId: order, leaseSeconds: 15 })
          obey({ type: 'free', attemptId: order })
        }
      }
      const dates = committed.filter((it) => it !== undefined)
      expect(dates).toEqual([...new Set(dates)].sort((a, b) => a - b))
      if (dates.length === 0) expect(record.lastIat).toBeUndefined()
      else expect(record.lastIat).toBe(Math.max(dates.at(-1) ?? 0, orderedAt))
      // None without a date comes after one with a date.
      const firstDated = committed.findIndex((it) => it !== undefined)
      if (firstDated >= 0) expect(committed.slice(firstDated)).not.toContain(undefined)
    }),
    { numRuns: 2000 },
  )
})

import { generateKeyPairSync } from 'node:crypto'
import { marshall } from '@aws-sdk/util-dynamodb'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRow, renderRow } from '../../../app/allowlist/device-row.ts'
import { compareAndSwap } from '../../../app/allowlist/dynamo-allow-list.ts'
import { AppError } from '../../../app/app-error.ts'
import {
  allowedDevice,
  type DeviceRecord,
  deviceStatuses,
} from '../../../app/provisioning/device-record.ts'
import { signingJwk } from '../../../app/request/signing-jwk.ts'

const now = Date.parse('2026-06-01T12:00:00Z')
const time = fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000)
const text = fc.string({ minLength: 1, maxLength: 20 })
const publicKey = signingJwk.parse(
  generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }),
)
const certificate = fc.record({ region: text, certificateId: text })
const records: fc.Arbitrary<DeviceRecord> = fc.record(
  {
    thingName: text,
    status: fc.constantFrom(...deviceStatuses),
    superseded: fc.array(certificate, { maxLength: 3 }),
    history: fc.array(
      fc.record(
        { at: time, event: fc.constantFrom('claimed' as const, 'reset' as const), by: text },
        { requiredKeys: ['at', 'event'] },
      ),
      { maxLength: 3 },
    ),
    product: text,
    region: text,
    previousRegion: text,
    regionPin: text,
    attributes: fc.dictionary(fc.stringMatching(/^[a-z0-9][\w.-]{0,9}$/), text, { maxKeys: 3 }),
    statusSince: time,
    rev: fc.nat(),
    attemptId: text,
    leaseUntil: time,
    attempts: fc.nat(),
    certificateId: text,
    certificatePem: text,
    csrThumbprint: text,
    publicKey: fc.constant(publicKey),
    lastIat: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    attachedAt: time,
    placement: fc.record({
      reason: text,
      distanceKm: fc.double({ min: 0, max: 20_000, noNaN: true }),
    }),
  },
  { requiredKeys: ['thingName', 'status', 'superseded', 'history'] },
)

describe('a row', () => {
  it('gives back every record that was written to it', () => {
    fc.assert(
      fc.property(records, (record) => {
        expect(parseRow(renderRow(record))).toEqual(record)
      }),
    )
  })

  it('is complete with a name and a status, as the seed writes it', () => {
    const row = { thing_name: { S: 'mydevice1' }, prov_status: { S: 'unprovisioned' } }
    expect(parseRow(row)).toEqual({
      thingName: 'mydevice1',
      status: 'unprovisioned',
      superseded: [],
      history: [],
    })
  })

  it("reads the seed's provisioning time as UTC, and writes it the same way", () => {
    const row = marshall({
      thing_name: 'mydevice2',
      prov_status: 'provisioned',
      prov_datetime: '2018-05-15T10:47:12',
      aws_region: 'us-east-2',
    })
    const record = parseRow(row)
    expect(record.statusSince).toBe(Date.UTC(2018, 4, 15, 10, 47, 12))
    expect(renderRow(record).prov_datetime).toEqual({ S: '2018-05-15T10:47:12' })
  })

  it.each([
    ['no status', { thing_name: 'a' }, 'prov_status'],
    ['an unknown status', { thing_name: 'a', prov_status: 'open' }, 'prov_status'],
    ['a revision that is text', { thing_name: 'a', prov_status: 'unprovisioned', rev: 'x' }, 'rev'],
    [
      'a time that is none',
      { thing_name: 'a', prov_status: 'provisioned', prov_datetime: 'now' },
      'prov_datetime',
    ],
    [
      'the layout of a newer version',
      { thing_name: 'a', prov_status: 'blocked', schema: 99 },
      'schema',
    ],
  ])('with %s is refused by the attribute’s name', (_, row, attribute) => {
    expect(() => parseRow(marshall(row))).toThrow(AppError)
    expect(() => parseRow(marshall(row))).toThrow(attribute)
  })
})

describe('compareAndSwap', () => {
  const fresh = allowedDevice('dev1', now)

  it('holds the write to the revision and the status that were read', () => {
    const update = compareAndSwap(fresh, { ...fresh, rev: 2, status: 'provisioning' })
    expect(update.ConditionExpression).toBe('#rev = :rev AND #status = :status')
    expect(update.ExpressionAttributeValues).toMatchObject({
      ':rev': { N: String(now) },
      ':status': { S: 'unprovisioned' },
    })
  })

  it('holds a row written by hand to its status and to having no revision', () => {
    const byHand: DeviceRecord = {
      thingName: 'a',
      status: 'unprovisioned',
      superseded: [],
      history: [],
    }
    const update = compareAndSwap(byHand, { ...byHand, rev: 1 })
    expect(update.ConditionExpression).toBe('attribute_not_exists(#rev) AND #status = :status')
  })

  it('writes what changed, removes what went, and touches nothing else', () => {
    const before: DeviceRecord = { ...fresh, attemptId: 'a1', region: 'eu-west-1' }
    const { attemptId: _, ...rest } = before
    const update = compareAndSwap(before, { ...rest, rev: 2 })
    const names = Object.values(update.ExpressionAttributeNames)
    expect(new Set(names)).toEqual(new Set(['prov_status', 'rev', 'attempt_id']))
    expect(update.UpdateExpression).toMatch(/^SET #a\d+ = :a\d+ REMOVE #a\d+$/)
  })
})

it('that holds a number longer than JavaScript’s is no device record', () => {
  const row = { thing_name: { S: 'dev1' }, prov_status: { S: 'unprovisioned' } }
  expect(() => parseRow({ ...row, theirs: { N: '12345678901234567890.5' } })).toThrow(
    expect.objectContaining({
      code: 'conflict',
      message: expect.stringContaining('row dev1 is no'),
    }),
  )
})

import { expect, it } from 'vitest'
import { parseRow, renderRow } from '../../../app/allowlist/device-row.ts'
import { parseRowEvenly } from '../../../app/allowlist/parse-row-evenly.ts'
import { allowedDevice } from '../../../app/provisioning/device-record.ts'
import { makeSigningKey } from '../../landfall-request.ts'

const plain = renderRow(allowedDevice('lamp-1', Date.parse('2026-06-01T12:00:00Z')))
const keyed = renderRow(allowedDevice('lamp-2', 0, { publicKey: makeSigningKey().jwk }))

it.each([
  ['without a key', plain],
  ['with a key', keyed],
])('gives the record of a row %s as it is', (_, row) => {
  expect(parseRowEvenly(row)).toEqual(parseRow(row))
})

it('gives nothing where there is no row', () => {
  expect(parseRowEvenly(undefined)).toBe(undefined)
})

it('refuses a row that is no record, by its own attributes', () => {
  expect(() => parseRowEvenly({ ...plain, prov_status: { S: 'new' } })).toThrow(/prov_status/)
  expect(() => parseRowEvenly({ ...keyed, public_key: { S: '{}' } })).toThrow(/public_key/)
})

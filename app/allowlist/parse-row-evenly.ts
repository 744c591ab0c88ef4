import { allowedDevice, type DeviceRecord } from '../provisioning/device-record.ts'
import { decoyFor } from '../request/decoy-keys.ts'
import { parseRow, type Row, renderRow } from './device-row.ts'

const decoyRow = renderRow(allowedDevice('decoy', 0))
const decoyKey: Row[string] = { S: JSON.stringify(decoyFor('ES256', '')) }

/**
 * The record in a row, or undefined where there is no row, after the same work: without a row one is read
 * that nobody has, and without a device's key one is read that nobody has. How long it takes tells neither
 * whether a name is in the allow-list nor whether its device has a key of its own. Throws as parseRow.
 */
export function parseRowEvenly(row: Row | undefined): DeviceRecord | undefined {
  const read = parseRow({ public_key: decoyKey, ...(row ?? decoyRow) })
  if (row === undefined) return undefined
  if (row.public_key !== undefined) return read
  const { publicKey: _decoy, ...record } = read
  return record
}

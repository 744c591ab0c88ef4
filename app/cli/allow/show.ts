import { calculateJwkThumbprint } from 'jose'
import { type DeviceRecord, productNameOf } from '../../provisioning/device-record.ts'
import { bareKey } from '../../request/signing-jwk.ts'
import type { CommandContext } from '../program.ts'
import type { Terminal } from '../terminal.ts'
import { forDevice, openAllowList, someFailed } from './allow-list-access.ts'
import type { AllowFlags } from './command.ts'

/** `landfall allow show`: the records as they stand now, read consistently. */
export async function showDevices(
  names: readonly string[],
  flags: AllowFlags,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const { allowList } = await openAllowList(names, flags)
  let unknown = 0
  for (const [index, name] of names.entries()) {
    const record = await forDevice(`${name} can’t be read`, () =>
      allowList.find(name, { signal, consistent: true }),
    )
    if (record === undefined) unknown++
    if (flags.json === true) terminal.json(record ?? { thingName: name, status: 'unknown' })
    else {
      if (index > 0) terminal.out('')
      if (record === undefined) terminal.out(`${name}  not in the allow-list`)
      else await showRecord(record, terminal)
    }
  }
  if (unknown > 0) {
    throw someFailed(unknown, names.length, 'not in the allow-list', 'npx landfall allow add NAME')
  }
}

async function showRecord(record: DeviceRecord, terminal: Terminal): Promise<void> {
  const { placement } = record
  const distance =
    placement?.distanceKm === undefined ? undefined : `${Math.round(placement.distanceKm)} km`
  const fields: readonly (readonly [string, string | undefined])[] = [
    ['status', record.status],
    ['product', productNameOf(record)],
    ['region', record.region],
    ['pinned to', record.regionPin],
    ['attributes', attributes(record)],
    ['distance', distance],
    ['why', placement?.reason],
    ['since', time(record.statusSince)],
    ['attached', time(record.attachedAt)],
    ['signs with', await signingKey(record)],
    ['certificate', record.certificateId],
    ['own key', record.csrThumbprint],
    ['lease until', time(record.leaseUntil)],
    ['attempts', record.attempts?.toString()],
    ['superseded', superseded(record)],
  ]
  terminal.out(terminal.paint('bold', record.thingName))
  for (const [label, value] of fields) {
    if (value !== undefined) terminal.out(`  ${label.padEnd(12)} ${value}`)
  }
  for (const entry of record.history) {
    const where = entry.event === 'moved' ? ' to' : ' in'
    terminal.out(
      `  ${time(entry.at)}  ${entry.event}${entry.region ? `${where} ${entry.region}` : ''}`,
    )
  }
}

/** What it is, and its RFC 7638 thumbprint. */
async function signingKey({ publicKey }: DeviceRecord): Promise<string | undefined> {
  if (publicKey === undefined) return undefined
  const kind = publicKey.kty === 'RSA' ? 'RSA' : publicKey.crv
  return `${kind} ${await calculateJwkThumbprint(bareKey(publicKey))}`
}

function attributes({ attributes: all = {} }: DeviceRecord): string | undefined {
  const pairs = Object.entries(all).map(([name, value]) => `${name}=${value}`)
  return pairs.length === 0 ? undefined : pairs.join(', ')
}

function superseded(record: DeviceRecord): string | undefined {
  if (record.superseded.length === 0) return undefined
  return record.superseded.map((it) => `${it.certificateId} in ${it.region}`).join(', ')
}

/** ISO 8601, UTC, whole seconds. */
function time(epochMilliseconds: number | undefined): string | undefined {
  if (epochMilliseconds === undefined) return undefined
  return `${new Date(epochMilliseconds).toISOString().slice(0, 19)}Z`
}

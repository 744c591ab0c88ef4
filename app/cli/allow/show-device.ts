import { calculateJwkThumbprint } from 'jose'
import {
  type DeviceRecord,
  type HistoryEntry,
  productNameOf,
} from '../../provisioning/device-record.ts'
import type { Drift, SeenIdentity } from '../../provisioning/identity-drift.ts'
import { bareKey } from '../../request/signing-jwk.ts'
import type { Terminal } from '../terminal.ts'

/** A device's record, and what its regions say; absent where they weren't asked. */
export type SeenDevice = {
  readonly record: DeviceRecord
  /** The device's own key in the list: what it is, and its RFC 7638 thumbprint. */
  readonly signsWith: string | undefined
  readonly identity?: SeenIdentity & {
    readonly drift: readonly Drift[]
    readonly problems: readonly string[]
  }
}

export async function describeSigningKey(record: DeviceRecord): Promise<string | undefined> {
  const { publicKey } = record
  if (publicKey === undefined) return undefined
  const kind = publicKey.kty === 'RSA' ? 'RSA' : publicKey.crv
  return `${kind} ${await calculateJwkThumbprint(bareKey(publicKey))}`
}

/** What JSON has beside the record. */
export function renderIdentity({ record, identity }: SeenDevice) {
  if (identity === undefined) return {}
  const { own, drift, problems } = identity
  const { region, certificateId } = record
  if (certificateId === undefined) return { drift, problems }
  const seen = own === 'gone' || own === undefined ? undefined : own
  const status = seen === undefined ? (own ?? 'unknown') : seen.active ? 'ACTIVE' : 'INACTIVE'
  const attached = seen && { things: seen.things, policies: seen.policies }
  return { certificate: { region, certificateId, status, ...attached }, drift, problems }
}

export function showDevice(device: SeenDevice, terminal: Terminal): void {
  const { record, identity } = device
  terminal.out(terminal.paint('bold', record.thingName))
  for (const [label, value] of fieldsOf(device)) {
    if (value !== undefined) terminal.out(`  ${label.padEnd(12)} ${value}`)
  }
  for (const problem of identity?.problems ?? []) {
    terminal.out(`  ${terminal.paint('red', 'not seen'.padEnd(12))} ${problem}`)
  }
  for (const { what, remedy } of identity?.drift ?? []) {
    terminal.out(`  ${terminal.paint('yellow', 'drift'.padEnd(12))} ${what}`)
    terminal.out(`  ${' '.repeat(12)} → ${remedy}`)
  }
  for (const entry of record.history) terminal.out(`  ${describeEntry(entry)}`)
}

function fieldsOf({
  record,
  signsWith,
  identity,
}: SeenDevice): readonly (readonly [string, string | undefined])[] {
  const { placement } = record
  const distance =
    placement?.distanceKm === undefined ? undefined : `${Math.round(placement.distanceKm)} km`
  return [
    ['status', record.status],
    ['product', productNameOf(record)],
    ['region', record.region],
    ['pinned to', record.regionPin],
    ['attributes', attributes(record)],
    ['distance', distance],
    ['why', placement?.reason],
    ['since', time(record.statusSince)],
    ['attached', time(record.attachedAt)],
    ['signs with', signsWith],
    ['request of', time(record.lastIat)],
    ['certificate', record.certificateId],
    ['in region', inRegion(identity?.own)],
    ['CSR key', record.csrThumbprint],
    ['lease until', time(record.leaseUntil)],
    ['attempts', record.attempts?.toString()],
    ['superseded', superseded(record, identity)],
  ]
}

/** As it stands now, in AWS IoT's words. */
function inRegion(own: SeenIdentity['own']): string | undefined {
  if (own === undefined || own === 'gone') return own
  const things = own.things.length === 0 ? 'no thing' : `thing ${own.things.join(', ')}`
  const policies = own.policies.length === 0 ? 'no policy' : `policy ${own.policies.join(', ')}`
  return `${own.active ? 'ACTIVE' : 'INACTIVE'}, ${things}, ${policies}`
}

function attributes({ attributes: all = {} }: DeviceRecord): string | undefined {
  const pairs = Object.entries(all).map(([name, value]) => `${name}=${value}`)
  return pairs.length === 0 ? undefined : pairs.join(', ')
}

function superseded(record: DeviceRecord, identity: SeenDevice['identity']): string | undefined {
  if (record.superseded.length === 0) return undefined
  const seen = new Map(identity?.superseded.map((it) => [it.certificateId, it.active]))
  return record.superseded
    .map(({ certificateId, region }) => {
      const active = seen.get(certificateId)
      const state = active === undefined ? '' : active ? ', ACTIVE' : ', INACTIVE'
      return `${certificateId} in ${region}${state}`
    })
    .join(', ')
}

function describeEntry({ at, event, region, by }: HistoryEntry): string {
  const where = region === undefined ? '' : ` ${event === 'moved' ? 'to' : 'in'} ${region}`
  return `${time(at)}  ${event}${where}${by === undefined ? '' : `, by ${by}`}`
}

/** ISO 8601, UTC, whole seconds. */
function time(epochMilliseconds: number | undefined): string | undefined {
  if (epochMilliseconds === undefined) return undefined
  return `${new Date(epochMilliseconds).toISOString().slice(0, 19)}Z`
}

import { AppError } from '../app-error.ts'
import { blockDevice } from './block-device.ts'
import { problemOf } from './cut-off.ts'
import type { CertificateRef, DeviceRecord } from './device-record.ts'
import { giveOrder, type OrderDeps, type Ordered } from './give-order.ts'

export type RemoveOutcome =
  /** Its row is gone, and so are these certificates. */
  | { readonly type: 'removed'; readonly destroyed: readonly CertificateRef[] }
  /** It is blocked, and its row stands. */
  | { readonly type: 'unfinished'; readonly problems: readonly string[] }
  | Exclude<Ordered, { type: 'done' }>

/**
 * Removes a device's row. Only a device that never had an identity loses it at once. Every other one is
 * blocked first, so that nothing under way can make it one; then what it had is destroyed and taken from
 * the record, one by one, and then the row goes, if it is still the one that was read.
 */
export async function removeDevice(deps: OrderDeps, thingName: string): Promise<RemoveOutcome> {
  const { allowList, signal } = deps
  const record = await allowList.find(thingName, { signal, consistent: true })
  if (record === undefined) return { type: 'unknown' }
  if (neverHadAny(record)) {
    const result = await allowList.remove(record, signal)
    if (result.removed) return { type: 'removed', destroyed: [] }
    // A request or an order came first: then as every other one.
  }
  const blocked = await blockDevice(deps, thingName)
  if (blocked.type !== 'blocked') return blocked
  if (blocked.problems.length > 0) return { type: 'unfinished', problems: blocked.problems }
  // What the record lists, and what merely hung on its thing.
  const all = blocked.cutOffs.map(({ region, certificateId }) => ({ region, certificateId }))
  const problems = await destroyAll(deps, thingName, all)
  if (problems.length > 0) return { type: 'unfinished', problems }
  try {
    const removed = await removeBlocked(deps, thingName)
    if (removed) return { type: 'removed', destroyed: all }
    return { type: 'contended' }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { type: 'unfinished', problems: [error.message] }
  }
}

/** Nothing was ever made for it, as far as the record knows. */
function neverHadAny(record: DeviceRecord): boolean {
  const { status, region, certificateId, superseded } = record
  return (
    status === 'unprovisioned' &&
    region === undefined &&
    certificateId === undefined &&
    superseded.length === 0
  )
}

/** Deletes each certificate, and takes it from the record where it is gone. */
async function destroyAll(
  deps: OrderDeps,
  thingName: string,
  certificates: readonly CertificateRef[],
): Promise<string[]> {
  const problems: string[] = []
  for (const certificate of certificates) {
    try {
      const { audit } = await deps.regions.get(certificate.region)
      await audit.clean(certificate.certificateId, deps.signal)
      const forgotten = await giveOrder(deps, thingName, { type: 'forget', certificate })
      if (forgotten.type === 'contended') problems.push('its record kept changing')
    } catch (error) {
      problems.push(problemOf(error))
    }
  }
  return problems
}

/** False where somebody let the device in again meanwhile, or it kept changing. */
async function removeBlocked(
  { allowList, signal }: OrderDeps,
  thingName: string,
): Promise<boolean> {
  let record = await allowList.find(thingName, { signal, consistent: true })
  for (let tries = 0; tries < 5; tries++) {
    if (record === undefined) return true
    const { status, certificateId, superseded } = record
    if (status !== 'blocked' || certificateId !== undefined || superseded.length > 0) return false
    const result = await allowList.remove(record, signal)
    if (result.removed) return true
    record = result.current
  }
  return false
}

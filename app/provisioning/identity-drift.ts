import type { ObservedCertificate } from '../../regions/iot-audit.ts'
import { type DeviceRecord, isNamedNowhere } from './device-record.ts'

/** What stands in the regions for one device, read a moment ago. */
export type SeenIdentity = {
  /** The certificate that the record names; absent where it names none, or its region can't be reached. */
  readonly own?: ObservedCertificate | 'gone'
  /** Those of the certificates given up that are still there. */
  readonly superseded: readonly ObservedCertificate[]
  /** Others that hang on its thing. */
  readonly hanging: readonly ObservedCertificate[]
}

/** Where a region isn't as the record has it; `remedy` is a command, or what to do. */
export type Drift = { readonly what: string; readonly remedy: string }

/**
 * Compares what stands in the regions with the record. Names the remedy of each difference. `policyName`:
 * undefined where it isn't known which policy devices hold; then any will do.
 */
export function findDrift(
  record: DeviceRecord,
  seen: SeenIdentity,
  policyName: string | undefined,
): readonly Drift[] {
  return [
    ...(record.status === 'provisioned' ? driftOfOwn(record, seen.own, policyName) : []),
    ...seen.superseded.flatMap((it) => driftOfSuperseded(record, it)),
    ...seen.hanging.flatMap((it) => driftOfHanging(record, it)),
  ]
}

function driftOfOwn(
  { thingName, attachedAt }: DeviceRecord,
  own: SeenIdentity['own'],
  policyName: string | undefined,
): Drift[] {
  const reset = `npx landfall allow reset ${thingName}, which lets it provision anew`
  if (own === undefined) return []
  if (own === 'gone') return [{ what: 'its certificate is gone: a hand deleted it', remedy: reset }]
  if (!own.active) {
    const what =
      'its certificate is INACTIVE: a hand deactivated it, and it is never made ACTIVE again'
    return [{ what, remedy: reset }]
  }
  const missing = [
    ...(own.things.includes(thingName) ? [] : ['its thing']),
    ...(holds(own, policyName) ? [] : [`the policy ${policyName ?? 'of devices'}`]),
  ]
  const drift: Drift[] = []
  if (missing.length > 0) {
    const lacks = `its certificate lacks ${missing.join(' and ')}`
    drift.push(
      attachedAt === undefined
        ? {
            what: `${lacks}: the attempt that made it ended early`,
            remedy: 'the device asks again with its key, or npx landfall sweep',
          }
        : { what: `${lacks}: a hand detached it`, remedy: `attach it again, or ${reset}` },
    )
  }
  const others = own.things.filter((it) => it !== thingName)
  if (others.length > 0) {
    const what = `its certificate hangs on ${others.join(', ')} too`
    drift.push({ what, remedy: 'detach it there: a device has one identity' })
  }
  return drift
}

function holds({ policies }: ObservedCertificate, policyName: string | undefined): boolean {
  return policyName === undefined ? policies.length > 0 : policies.includes(policyName)
}

/** That it isn't deleted yet is as it should be until the next sweep; that it is ACTIVE isn't. */
function driftOfSuperseded(record: DeviceRecord, it: ObservedCertificate): Drift[] {
  if (!it.active) return []
  const { thingName, status } = record
  const usable = it.things.length > 0 && it.policies.length > 0
  const what = `the certificate ${it.certificateId} in ${it.region} was given up and is ACTIVE${usable ? '' : ', though it can do nothing'}`
  const again =
    status === 'blocked' ? `npx landfall allow block ${thingName}` : 'npx landfall sweep'
  return [{ what, remedy: again }]
}

function driftOfHanging(record: DeviceRecord, it: ObservedCertificate): Drift[] {
  const { thingName, status } = record
  const state = it.active ? 'ACTIVE' : 'INACTIVE'
  if (isNamedNowhere(record)) {
    return [
      {
        what: `something else provisioned it: ${it.certificateId} in ${it.region} hangs on its thing, ${state}`,
        remedy: `to have it provision anew: npx landfall allow block ${thingName}, then unblock it`,
      },
    ]
  }
  const what = `the certificate ${it.certificateId} in ${it.region} hangs on its thing, ${state}, and isn’t in its record`
  const remedy =
    status === 'provisioned'
      ? 'npx landfall sweep'
      : status === 'provisioning'
        ? 'look again once its attempt is over'
        : `npx landfall allow block ${thingName}`
  return [{ what, remedy }]
}

import { isDeepStrictEqual } from 'node:util'
import { describePlacement } from '../../regions/describe-placement.ts'
import type { NoPlacement, Placement } from '../../regions/placement.ts'
import { AppError } from '../app-error.ts'
import {
  type Attempt,
  type AttemptDeps,
  type AttemptRequest,
  attach,
  attempt,
  configured,
  targetOf,
  tolerate,
} from './attempt.ts'
import type { Assignment, DeviceEvent, Refusal, Reprovisioning } from './device-event.ts'
import { type DeviceRecord, productNameOf } from './device-record.ts'
import { transition } from './transition.ts'

/** A verified request of a device that is allowed to ask, with the region it shall land in. */
export type ProvisioningRequest = AttemptRequest & {
  readonly record: DeviceRecord
  readonly reprovisioning: Reprovisioning
}

/** What the device gets; `privateKey` only where AWS IoT made the key, and only this once. */
export type Provisioned = {
  readonly region: string
  readonly endpointAddress: string
  readonly certificateId: string
  readonly certificatePem: string
  readonly privateKey?: string
  /** False where the device asked again and got the certificate it has already. */
  readonly created: boolean
  /** Why it is in that region, where that was decided for an earlier request. */
  readonly reason?: string
}

export type ProvisionDeps = AttemptDeps & {
  readonly leaseSeconds: number
  readonly newAttemptId: () => string
}

/** How often a claim is tried against a record that keeps changing under it. */
const claimTries = 3

/**
 * Steps 1 to 6 of the protocol (docs/provisioning.md): claim, create, commit, attach, answer.
 * Nothing is attached before the record names it. Throws AppError or RegionError.
 */
export async function provision(
  deps: ProvisionDeps,
  request: ProvisioningRequest,
): Promise<Provisioned> {
  const attemptId = deps.newAttemptId()
  let record = request.record
  for (let tries = 0; tries < claimTries; tries += 1) {
    const outcome = transition(record, askEvent(deps, request, attemptId), deps.now())
    if (outcome.type === 'refuse') throw refused(outcome.refusal, request.placement, record)
    if (outcome.type === 'answer') return await answerAgain(deps, record, outcome.assignment)
    if (outcome.type !== 'write') throw new Error(`ask ended as ${outcome.type}`)
    const claimed = outcome.next
    const region = configured(deps, claimed.region)
    // Asked before anything is made: an attempt that can't deactivate these can't commit either.
    for (const old of claimed.superseded) configured(deps, old.region)
    // In the same turn as the placement, so that two requests don't both become the probe.
    const passage = deps.gate.enter(region.region, claimed.thingName)
    if (passage === undefined) {
      const regions = [region.region]
      throw new AppError('regions-unavailable', `${region.region} is down by now`, { regions })
    }
    try {
      const tried = await claimAndAttempt(deps, request, record, {
        attemptId,
        claimed,
        region,
        passage,
      })
      if ('provisioned' in tried) return tried.provisioned
      if (tried.current === undefined) throw refused({ reason: 'unknown' })
      record = tried.current
    } finally {
      passage.leave()
    }
    // Signature and placement were judged by another record: the next request is judged anew.
    if (!isJudgedAlike(record, request.record)) break
  }
  throw refused({ reason: 'in-progress', retryAfterSeconds: 1 })
}

/** Step 1, then the others; `current` is what the record holds where the claim is refused. */
async function claimAndAttempt(
  deps: ProvisionDeps,
  request: ProvisioningRequest,
  previous: DeviceRecord,
  own: Attempt,
): Promise<{ provisioned: Provisioned } | { current: DeviceRecord | undefined }> {
  // Cold or expired credentials are fetched beside the claim; whoever needs them reports a failure.
  void own.region.warm().catch(() => {})
  const saved = await deps.waves.run('claim', () =>
    deps.allowList.save(previous, own.claimed, deps.signal),
  )
  if (!saved.saved) return { current: saved.current }
  if (previous.status === 'provisioning') deps.onIncident('takenOver')
  if (previous.status === 'provisioned') deps.onIncident('replaced')
  const outcome = await attempt(deps, request, own)
  if (outcome.lost) {
    return { provisioned: await yieldTo(deps, request, own.attemptId, outcome.current) }
  }
  return {
    provisioned: {
      region: outcome.region.region,
      endpointAddress: await outcome.region.endpointAddress(deps.signal),
      ...outcome.certificate,
      created: true,
    },
  }
}

/** Whether everything that a signature and a placement are judged by is the same in both records. */
function isJudgedAlike(one: DeviceRecord, other: DeviceRecord): boolean {
  return (
    one.regionPin === other.regionPin &&
    productNameOf(one) === productNameOf(other) &&
    isDeepStrictEqual(one.attributes, other.attributes) &&
    isDeepStrictEqual(one.publicKey, other.publicKey)
  )
}

/** The attempt lost its record: what the record's new holder has may still fit this request. */
async function yieldTo(
  deps: ProvisionDeps,
  request: ProvisioningRequest,
  attemptId: string,
  current: DeviceRecord | undefined,
): Promise<Provisioned> {
  if (current === undefined) throw refused({ reason: 'unknown' })
  const outcome = transition(current, askEvent(deps, request, attemptId), deps.now())
  if (outcome.type === 'answer') return await answerAgain(deps, current, outcome.assignment)
  if (outcome.type === 'refuse') throw refused(outcome.refusal, request.placement, current)
  throw refused({ reason: 'in-progress', retryAfterSeconds: 1 })
}

/** Step 5: the same certificate again; attached first, where nobody has seen that done. */
async function answerAgain(
  deps: ProvisionDeps,
  record: DeviceRecord,
  assignment: Assignment,
): Promise<Provisioned> {
  const region = configured(deps, assignment.region)
  if (!assignment.attached) {
    // The device has this region whatever its health; where the breaker has a place, it learns from it.
    const passage = deps.gate.enter(region.region, record.thingName)
    try {
      const own = { region, passage }
      await attach(deps, own, record.thingName, assignment.certificateId)
    } finally {
      passage?.leave()
    }
    await confirm(deps, record, assignment.certificateId)
  }
  return {
    region: region.region,
    endpointAddress: await region.endpointAddress(deps.signal),
    certificateId: assignment.certificateId,
    certificatePem: assignment.certificatePem,
    created: false,
    ...(assignment.placement === undefined ? {} : { reason: assignment.placement.reason }),
  }
}

async function confirm(deps: ProvisionDeps, record: DeviceRecord, certificateId: string) {
  const outcome = transition(record, { type: 'confirm', certificateId }, deps.now())
  if (outcome.type !== 'write') return
  // Not confirmed costs the next asker one more attach, nothing else.
  await tolerate(deps, 'confirm', deps.allowList.save(record, outcome.next, deps.signal))
}

function askEvent(
  deps: ProvisionDeps,
  request: ProvisioningRequest,
  attemptId: string,
): DeviceEvent {
  const { placement, csr } = request
  return {
    type: 'ask',
    by: deps.by,
    attemptId,
    target: placement.region === undefined ? undefined : targetOf(placement),
    leaseSeconds: deps.leaseSeconds,
    reprovisioning: request.reprovisioning,
    ...(request.issuedAt === undefined ? {} : { issuedAt: request.issuedAt }),
    ...(csr === undefined ? {} : { csrThumbprint: csr.thumbprint }),
  }
}

/** For people and devices: nothing that a device which has proven itself mustn't know. */
const whyRefused = {
  unknown: 'the device is not in the allow-list',
  blocked: 'the device is blocked',
  'already-provisioned': 'the device is provisioned, and asks with another key or without its own',
  'too-many-superseded': 'certificates that this device had before are not removed yet',
  'no-certificate': 'the device was provisioned by something else',
  stale: 'a certificate was made for a request that was issued no earlier',
} as const

/** A refusal as the error that carries it to the edge. */
export function refused(
  refusal: Refusal | { reason: 'unknown' },
  placement?: Placement | NoPlacement,
  record?: DeviceRecord,
): AppError {
  if (refusal.reason === 'in-progress') {
    const { retryAfterSeconds } = refusal
    return new AppError('in-progress', 'another attempt is under way', { retryAfterSeconds })
  }
  if (refusal.reason === 'no-region') {
    const refusal = placement?.region === undefined ? placement?.refusal : undefined
    const passing = refusal === 'unavailable' || refusal === 'not-located'
    const code = passing ? 'regions-unavailable' : 'region-not-configured'
    const why = placement === undefined ? 'no region' : describePlacement(placement)
    const standing = placement?.skipped.filter(({ why }) => why === 'down' || why === 'draining')
    return new AppError(
      code,
      why,
      passing ? { regions: standing?.map((it) => it.region) ?? [] } : {},
    )
  }
  const issuedAfter = refusal.reason === 'stale' ? record?.lastIat : undefined
  return new AppError(refusal.reason, whyRefused[refusal.reason], { issuedAfter })
}

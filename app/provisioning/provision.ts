import { isDeepStrictEqual } from 'node:util'
import { describePlacement } from '../../regions/describe-placement.ts'
import type { DeviceRegions } from '../../regions/device-regions.ts'
import type { IotRegion, IssuedCertificate } from '../../regions/iot-region.ts'
import type { NoPlacement, Placement } from '../../regions/placement.ts'
import { RegionError, type RegionErrorCode } from '../../regions/region-error.ts'
import { AppError } from '../app-error.ts'
import type { AllowList } from './allow-list.ts'
import type { Assignment, DeviceEvent, Refusal, Reprovisioning, Target } from './device-event.ts'
import { type DeviceRecord, productNameOf } from './device-record.ts'
import { transition } from './transition.ts'
import type { Waves } from './waves.ts'

/** A verified request of a device that is allowed to ask, with the region it shall land in. */
export type ProvisioningRequest = {
  readonly record: DeviceRecord
  /** Where the product leaves no region that can be used, a device that has one keeps it all the same. */
  readonly placement: Placement | NoPlacement
  readonly reprovisioning: Reprovisioning
  readonly csr: { readonly pem: string; readonly thumbprint: string } | undefined
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
}

export type ProvisionDeps = {
  readonly allowList: AllowList
  readonly regions: Pick<DeviceRegions, 'find'>
  readonly leaseSeconds: number
  readonly now: () => number
  readonly newAttemptId: () => string
  readonly waves: Waves
  /** Told of what operators count: each at most once a request. */
  readonly onIncident: (incident: Incident) => void
  /** Told of what went wrong without changing the answer: a clean-up that failed, say. */
  readonly onTrouble: (trouble: string, error?: unknown) => void
  readonly signal: AbortSignal
}

/**
 * `takenOver`: a claim whose lease had ended. `replaced`: the certificate of a provisioned device.
 * `undone`: a failed attempt that cleaned up after itself. `overtaken`: an attempt that lost its record.
 */
export const incidents = ['takenOver', 'replaced', 'undone', 'overtaken'] as const
export type Incident = (typeof incidents)[number]

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
    if (outcome.type === 'refuse') throw refused(outcome.refusal, request.placement)
    if (outcome.type === 'answer') return await answerAgain(deps, record, outcome.assignment)
    if (outcome.type !== 'write') throw new Error(`ask ended as ${outcome.type}`)
    const claimed = outcome.next
    const region = configured(deps, claimed.region)
    // Asked before anything is made: an attempt that can't deactivate these can't commit either.
    for (const old of claimed.superseded) configured(deps, old.region)
    // Cold or expired credentials are fetched beside the claim; whoever needs them reports a failure.
    void region.warm().catch(() => {})
    const previous = record
    const saved = await deps.waves.run('claim', () =>
      deps.allowList.save(previous, claimed, deps.signal),
    )
    if (saved.saved) {
      if (previous.status === 'provisioning') deps.onIncident('takenOver')
      if (previous.status === 'provisioned') deps.onIncident('replaced')
      return await attempt(deps, request, { attemptId, claimed, region })
    }
    if (saved.current === undefined) throw refused({ reason: 'unknown' })
    record = saved.current
    // The placement was made for another record: the next request is placed anew.
    if (!isPlacedAlike(record, request.record)) break
  }
  throw refused({ reason: 'in-progress', retryAfterSeconds: 1 })
}

/** Whether everything that a placement looks at is the same in both records. */
function isPlacedAlike(one: DeviceRecord, other: DeviceRecord): boolean {
  return (
    one.regionPin === other.regionPin &&
    productNameOf(one) === productNameOf(other) &&
    isDeepStrictEqual(one.attributes, other.attributes)
  )
}

type Attempt = {
  readonly attemptId: string
  readonly claimed: DeviceRecord
  readonly region: IotRegion
}

async function attempt(
  deps: ProvisionDeps,
  request: ProvisioningRequest,
  own: Attempt,
): Promise<Provisioned> {
  const certificate = await create(deps, request, own)
  const lost = await commit(deps, request, own, certificate)
  if (lost !== undefined) return await yieldTo(deps, request, own, certificate, lost.current)
  const { thingName } = own.claimed
  await deps.waves.run('attach', () =>
    own.region.attach(thingName, certificate.certificateId, deps.signal),
  )
  return {
    region: own.region.region,
    endpointAddress: await own.region.endpointAddress(deps.signal),
    ...certificate,
    created: true,
  }
}

/** Step 2, and step 6 where any of it fails: thing, certificate, and every old certificate INACTIVE. */
async function create(
  deps: ProvisionDeps,
  request: ProvisioningRequest,
  own: Attempt,
): Promise<IssuedCertificate> {
  const { thingName } = own.claimed
  const adopt = own.claimed.previousRegion === own.region.region
  const [issued, ...others] = await deps.waves.run('create', () =>
    Promise.allSettled([
      own.region.issueCertificate(request.csr?.pem, deps.signal),
      own.region.createThing({ thingName, attemptId: own.attemptId, adopt }, deps.signal),
      // Also proves the endpoint address, so that no attempt commits to a region it can't name.
      own.region.endpointAddress(deps.signal),
      ...own.claimed.superseded.map(async (old) =>
        configured(deps, old.region).deactivate(old.certificateId, deps.signal),
      ),
    ]),
  )
  const failures = [issued, ...others].filter((result) => result.status === 'rejected')
  if (issued.status === 'fulfilled' && failures.length === 0) return issued.value
  if (issued.status === 'fulfilled') await destroy(deps, own.region, issued.value)
  await release(deps, own)
  deps.onIncident('undone')
  throw worst(failures.map((failure) => failure.reason))
}

/** Step 3. Undefined where the record now names this certificate, else what it holds instead. */
async function commit(
  deps: ProvisionDeps,
  request: ProvisioningRequest,
  own: Attempt,
  certificate: IssuedCertificate,
): Promise<{ current: DeviceRecord | undefined } | undefined> {
  const event: DeviceEvent = {
    type: 'commit',
    attemptId: own.attemptId,
    certificateId: certificate.certificateId,
    certificatePem: certificate.certificatePem,
    ...(request.csr === undefined ? {} : { csrThumbprint: request.csr.thumbprint }),
  }
  const outcome = transition(own.claimed, event, deps.now())
  if (outcome.type !== 'write') throw new Error(`commit ended as ${outcome.type}`)
  // An unknown outcome is thrown, and nothing is undone: the write may still land.
  const saved = await deps.waves.run('commit', () =>
    deps.allowList.save(own.claimed, outcome.next, deps.signal),
  )
  if (saved.saved) return undefined
  const again = saved.current && transition(saved.current, event, deps.now())
  return again?.type === 'done' ? undefined : { current: saved.current }
}

/** A consistent read proved this attempt lost: its certificate goes, the winner's answer may still fit. */
async function yieldTo(
  deps: ProvisionDeps,
  request: ProvisioningRequest,
  own: Attempt,
  certificate: IssuedCertificate,
  current: DeviceRecord | undefined,
): Promise<Provisioned> {
  deps.onIncident('overtaken')
  await destroy(deps, own.region, certificate)
  if (current === undefined) throw refused({ reason: 'unknown' })
  const outcome = transition(current, askEvent(deps, request, own.attemptId), deps.now())
  if (outcome.type === 'answer') return await answerAgain(deps, current, outcome.assignment)
  if (outcome.type === 'refuse') throw refused(outcome.refusal, request.placement)
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
    await deps.waves.run('attach', () =>
      region.attach(record.thingName, assignment.certificateId, deps.signal),
    )
    await confirm(deps, record, assignment.certificateId)
  }
  return {
    region: region.region,
    endpointAddress: await region.endpointAddress(deps.signal),
    certificateId: assignment.certificateId,
    certificatePem: assignment.certificatePem,
    created: false,
  }
}

async function confirm(deps: ProvisionDeps, record: DeviceRecord, certificateId: string) {
  const outcome = transition(record, { type: 'confirm', certificateId }, deps.now())
  if (outcome.type !== 'write') return
  // Not confirmed costs the next asker one more attach, nothing else.
  await tolerate(deps, 'confirm', deps.allowList.save(record, outcome.next, deps.signal))
}

async function release(deps: ProvisionDeps, own: Attempt): Promise<void> {
  const event: DeviceEvent = { type: 'release', attemptId: own.attemptId }
  const outcome = transition(own.claimed, event, deps.now())
  if (outcome.type !== 'write') return
  await tolerate(deps, 'release', deps.allowList.save(own.claimed, outcome.next, deps.signal))
}

async function destroy(deps: ProvisionDeps, region: IotRegion, it: IssuedCertificate) {
  await tolerate(
    deps,
    `destroy certificate ${it.certificateId}`,
    region.destroy(it.certificateId, deps.signal),
  )
}

async function tolerate(deps: ProvisionDeps, step: string, call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => deps.onTrouble(`${step} failed`, error))
}

function askEvent(
  deps: ProvisionDeps,
  request: ProvisioningRequest,
  attemptId: string,
): DeviceEvent {
  const { placement, csr } = request
  return {
    type: 'ask',
    attemptId,
    target: placement.region === undefined ? undefined : targetOf(placement),
    leaseSeconds: deps.leaseSeconds,
    reprovisioning: request.reprovisioning,
    ...(csr === undefined ? {} : { csrThumbprint: csr.thumbprint }),
  }
}

function targetOf(placement: Placement): Target {
  const { region, distanceKm } = placement
  const reason = describePlacement(placement)
  return { region, placement: distanceKm === undefined ? { reason } : { reason, distanceKm } }
}

function configured(deps: ProvisionDeps, name: string | undefined): IotRegion {
  const region = name === undefined ? undefined : deps.regions.find(name)
  if (region !== undefined) return region
  throw new AppError('region-not-configured', `region ${name} is not in the configuration`)
}

/** A refusal as the error that carries it to the edge. */
export function refused(
  refusal: Refusal | { reason: 'unknown' },
  placement?: Placement | NoPlacement,
): AppError {
  if (refusal.reason === 'in-progress') {
    const { retryAfterSeconds } = refusal
    return new AppError('in-progress', 'another attempt is under way', { retryAfterSeconds })
  }
  if (refusal.reason === 'no-region') {
    const passing = placement?.region === undefined && placement?.refusal === 'unavailable'
    const code = passing ? 'regions-unavailable' : 'region-not-configured'
    return new AppError(code, placement === undefined ? 'no region' : describePlacement(placement))
  }
  return new AppError('not-allowed', refusal.reason)
}

const lastingFailures: ReadonlySet<RegionErrorCode> = new Set([
  'not-ours',
  'invalid-csr',
  'refused',
])

/** Of several failures the one that waiting won't mend, so that it isn't taken for a passing fault. */
function worst(failures: readonly unknown[]): unknown {
  const lasting = failures.find((it) => it instanceof RegionError && lastingFailures.has(it.code))
  return lasting ?? failures[0]
}

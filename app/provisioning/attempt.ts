import { shorterDeadline } from '../../regions/deadline.ts'
import { describePlacement } from '../../regions/describe-placement.ts'
import type { DeviceRegions } from '../../regions/device-regions.ts'
import type { IotRegion, IssuedCertificate } from '../../regions/iot-region.ts'
import type { NoPlacement, Placement } from '../../regions/placement.ts'
import { AppError } from '../app-error.ts'
import type { AllowList } from './allow-list.ts'
import { failureToThrow, regionAlone, regionOutcome } from './attempt-failure.ts'
import type { DeviceEvent, Target } from './device-event.ts'
import type { DeviceRecord } from './device-record.ts'
import { enterNext, hasOther, type Next, watchShare } from './next-region.ts'
import type { Passage, RegionGate } from './region-gate.ts'
import { transition } from './transition.ts'
import type { Waves } from './waves.ts'

export type AttemptDeps = {
  readonly allowList: AllowList
  readonly regions: Pick<DeviceRegions, 'find'>
  readonly gate: RegionGate
  /** How a record's history names who serves the request. */
  readonly by: string
  readonly now: () => number
  readonly waves: Waves
  /** Told of what operators count: each at most once a request. */
  readonly onIncident: (incident: Incident) => void
  /** Told where the attempt goes on, after its region failed. */
  readonly onFailover: (placement: Placement) => void
  /** Told of what went wrong without changing the answer: a clean-up that failed, say. */
  readonly onTrouble: (trouble: string, error?: unknown) => void
  /** How long a region may take where the policy has another; the rest of the time is that one's. */
  readonly failoverSeconds: number
  readonly signal: AbortSignal
}

/**
 * `takenOver`: a claim whose lease had ended. `replaced`: the certificate of a provisioned device.
 * `failedOver`: an attempt that went on in another region. `undone`: a failed attempt that cleaned up
 * after itself. `overtaken`: an attempt that lost its record.
 */
export const incidents = ['takenOver', 'replaced', 'failedOver', 'undone', 'overtaken'] as const
export type Incident = (typeof incidents)[number]

/** What an attempt is for. */
export type AttemptRequest = {
  /** Where the product leaves no region that can be used, a device that has one keeps it all the same. */
  readonly placement: Placement | NoPlacement
  readonly csr: { readonly pem: string; readonly thumbprint: string } | undefined
  /** When the request was issued, epoch milliseconds; absent under the seed contract. */
  readonly issuedAt?: number | undefined
}

/** An attempt that holds its claim. */
export type Attempt = {
  readonly attemptId: string
  readonly claimed: DeviceRecord
  readonly region: IotRegion
  /** Leave to try the region. */
  readonly passage: Passage
}

/** `lost`: a consistent read proved that the record is another's now; `current` is what it holds. */
export type AttemptOutcome =
  | { readonly lost: false; readonly region: IotRegion; readonly certificate: IssuedCertificate }
  | { readonly lost: true; readonly current: DeviceRecord | undefined }

/**
 * Steps 2 to 4 of the protocol (docs/provisioning.md): create, commit, attach; and 2f, once, where the
 * region fails before the commit and the policy has another. Throws AppError or RegionError.
 */
export async function attempt(
  deps: AttemptDeps,
  request: AttemptRequest,
  given: Attempt,
): Promise<AttemptOutcome> {
  const mayMove = hasOther(deps, request.placement, given)
  const created = await create(deps, request, given, mayMove ? deps.failoverSeconds : undefined)
  if (!created.done && mayMove && regionAlone(created.failures, given)) {
    const next = enterNext(deps, request.placement, given)
    if (next !== undefined) {
      // What was made there is removed meanwhile; the sweeper does what the region doesn't answer to.
      void created.cleaning
      try {
        return await goOn(deps, request, given, next)
      } finally {
        next.passage.leave()
      }
    }
  }
  return await conclude(deps, request, given, created)
}

/** Step 2f, and the rest in the next region. */
async function goOn(
  deps: AttemptDeps,
  request: AttemptRequest,
  given: Attempt,
  next: Next,
): Promise<AttemptOutcome> {
  const moved = await moveClaim(deps, given, targetOf(next.placement))
  if (moved.lost) return lose(deps, moved.current)
  deps.onIncident('failedOver')
  deps.onFailover(next.placement)
  const { region, passage } = next
  const own = { attemptId: given.attemptId, claimed: moved.record, region, passage }
  return await conclude(deps, request, own, await create(deps, request, own, undefined))
}

/** Step 6, or steps 3 and 4. */
async function conclude(
  deps: AttemptDeps,
  request: AttemptRequest,
  own: Attempt,
  created: Created,
): Promise<AttemptOutcome> {
  if (!created.done) {
    await created.cleaning
    await release(deps, own)
    deps.onIncident('undone')
    throw failureToThrow(created.failures)
  }
  const { certificate } = created
  const committed = await commit(deps, request, own, certificate)
  if (committed !== undefined) {
    await destroy(deps, own.region, certificate)
    return lose(deps, committed.current)
  }
  await attach(deps, own, own.claimed.thingName, certificate.certificateId)
  return { lost: false, region: own.region, certificate }
}

/** Step 4, and what it says of the region. */
export async function attach(
  deps: AttemptDeps,
  { region, passage }: { region: IotRegion; passage: Passage | undefined },
  thingName: string,
  certificateId: string,
): Promise<void> {
  const hadItsShare = watchShare(deps, 'attach')
  try {
    await deps.waves.run('attach', () => region.attach(thingName, certificateId, deps.signal))
    passage?.report('ok')
  } catch (error) {
    passage?.report(regionOutcome([error], region.region, hadItsShare()))
    throw error
  }
}

type Created =
  | { readonly done: true; readonly certificate: IssuedCertificate }
  | {
      readonly done: false
      readonly failures: readonly unknown[]
      readonly cleaning: Promise<void>
    }

/** Step 2: thing, certificate, and every old certificate INACTIVE; its own certificate goes where any fails. */
async function create(
  deps: AttemptDeps,
  request: AttemptRequest,
  own: Attempt,
  seconds: number | undefined,
): Promise<Created> {
  const { thingName } = own.claimed
  const adopt = own.claimed.previousRegion === own.region.region
  const limit = seconds === undefined ? undefined : shorterDeadline(deps.signal, seconds)
  const signal = limit?.signal ?? deps.signal
  const hadItsShare = watchShare(deps, 'create')
  const [issued, ...others] = await deps.waves.run('create', () =>
    Promise.allSettled([
      own.region.issueCertificate(request.csr?.pem, signal),
      own.region.createThing({ thingName, attemptId: own.attemptId, adopt }, signal),
      // Also proves the endpoint address, so that no attempt commits to a region it can't name.
      own.region.endpointAddress(signal),
      ...own.claimed.superseded.map(async (old) =>
        configured(deps, old.region).deactivate(old.certificateId, signal),
      ),
    ]),
  )
  limit?.end()
  const failures = [issued, ...others].flatMap((it) =>
    it.status === 'rejected' ? [it.reason] : [],
  )
  own.passage.report(regionOutcome(failures, own.region.region, hadItsShare()))
  if (issued.status === 'fulfilled' && failures.length === 0) {
    return { done: true, certificate: issued.value }
  }
  const cleaning =
    issued.status === 'fulfilled' ? destroy(deps, own.region, issued.value) : Promise.resolve()
  return { done: false, failures, cleaning }
}

/** Step 2f. A write of unknown outcome is thrown: the lease ends what it may have begun. */
async function moveClaim(
  deps: AttemptDeps,
  own: Attempt,
  target: Target,
): Promise<
  { lost: false; record: DeviceRecord } | { lost: true; current: DeviceRecord | undefined }
> {
  const event: DeviceEvent = { type: 'failover', by: deps.by, attemptId: own.attemptId, target }
  const outcome = transition(own.claimed, event, deps.now())
  if (outcome.type !== 'write') throw new Error(`failover ended as ${outcome.type}`)
  const saved = await deps.waves.run('claim', () =>
    deps.allowList.save(own.claimed, outcome.next, deps.signal),
  )
  if (saved.saved) return { lost: false, record: outcome.next }
  return { lost: true, current: saved.current }
}

/** Step 3. Undefined where the record now names this certificate, else what it holds instead. */
async function commit(
  deps: AttemptDeps,
  request: AttemptRequest,
  own: Attempt,
  certificate: IssuedCertificate,
): Promise<{ current: DeviceRecord | undefined } | undefined> {
  const event: DeviceEvent = {
    type: 'commit',
    by: deps.by,
    attemptId: own.attemptId,
    certificateId: certificate.certificateId,
    certificatePem: certificate.certificatePem,
    ...(request.csr === undefined ? {} : { csrThumbprint: request.csr.thumbprint }),
    ...(request.issuedAt === undefined ? {} : { issuedAt: request.issuedAt }),
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

function lose(deps: AttemptDeps, current: DeviceRecord | undefined): AttemptOutcome {
  deps.onIncident('overtaken')
  return { lost: true, current }
}

/** Step 6. */
async function release(deps: AttemptDeps, own: Attempt): Promise<void> {
  const event: DeviceEvent = { type: 'release', by: deps.by, attemptId: own.attemptId }
  const outcome = transition(own.claimed, event, deps.now())
  if (outcome.type !== 'write') return
  await tolerate(deps, 'release', deps.allowList.save(own.claimed, outcome.next, deps.signal))
}

async function destroy(deps: AttemptDeps, region: IotRegion, it: IssuedCertificate) {
  const step = `destroy certificate ${it.certificateId}`
  await tolerate(deps, step, region.destroy(it.certificateId, deps.signal))
}

export async function tolerate(
  deps: Pick<AttemptDeps, 'onTrouble'>,
  step: string,
  call: Promise<unknown>,
): Promise<void> {
  await call.catch((error: unknown) => deps.onTrouble(`${step} failed`, error))
}

export function targetOf(placement: Placement): Target {
  const { region, distanceKm } = placement
  const reason = describePlacement(placement)
  return { region, placement: distanceKm === undefined ? { reason } : { reason, distanceKm } }
}

export function configured(
  deps: Pick<AttemptDeps, 'regions'>,
  name: string | undefined,
): IotRegion {
  const region = name === undefined ? undefined : deps.regions.find(name)
  if (region !== undefined) return region
  throw new AppError('region-not-configured', `region ${name} is not in the configuration`)
}

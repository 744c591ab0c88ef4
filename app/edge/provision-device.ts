import { findRegion } from '../../regions/catalogue.ts'
import { describePlacement } from '../../regions/describe-placement.ts'
import type { DeviceRegions } from '../../regions/device-regions.ts'
import { distanceKm, type Place } from '../../regions/distance.ts'
import type { Locate } from '../../regions/location.ts'
import { type Placement, place } from '../../regions/placement.ts'
import { AppError } from '../app-error.ts'
import type { ProductSnapshot } from '../products/control-table.ts'
import type { ProductCache } from '../products/product-cache.ts'
import type { AllowList } from '../provisioning/allow-list.ts'
import { productNameOf } from '../provisioning/device-record.ts'
import {
  type ProvisionDeps,
  type Provisioned,
  provision,
  refused,
} from '../provisioning/provision.ts'
import type { SharedStatus } from '../region-status/status-table.ts'
import { parseCsr } from '../request/csr.ts'
import { findSeedSigner, parseSeedRequest, type SeedRequest } from '../request/seed-request.ts'
import type { RegionStatus } from './region-status.ts'

/** What an edge reads of the control table, all of it at once. */
export type ControlSnapshot = ProductSnapshot & { readonly status: SharedStatus }

export type DeviceProvisioningDeps = {
  readonly allowList: AllowList
  readonly products: ProductCache<ControlSnapshot>
  readonly regions: Pick<DeviceRegions, 'find' | 'names'>
  readonly regionStatus: RegionStatus
  readonly locate: Locate
  /** Whether there are location data. */
  readonly locating: boolean
  readonly leaseSeconds: number
  readonly failoverSeconds: number
  readonly now: () => number
  readonly newAttemptId: () => string
  /** How a record's history names this edge. */
  readonly by: string
}

/** What is known of a request so far, for its log line, whatever comes of it. */
export type RequestNotes = {
  thingName?: string
  product?: string
  region?: string | undefined
  placement?: string | undefined
}

/** The assignment, and how far it is; undefined where the address has no known position. */
export type Answer = Provisioned & {
  readonly distanceKm: number | undefined
  /** The region is the product's default one. */
  readonly isDefaultRegion: boolean
}

/**
 * One request of the seed contract, from its body to the assignment: read, decide, then the protocol.
 * The signature is checked against the products at hand, with no I/O; the device record and, where
 * they are due, newer products are read together. Throws AppError or RegionError.
 */
export async function provisionDevice(
  deps: DeviceProvisioningDeps,
  request: { body: string; address: string; notes: RequestNotes } & Pick<
    ProvisionDeps,
    'waves' | 'signal' | 'onIncident' | 'onTrouble'
  >,
): Promise<Answer> {
  const { notes, waves, signal } = request
  const asked = parseSeedRequest(request.body)
  notes.thingName = asked.thingName
  const products = await trustedProducts(deps, asked)
  // The CSR is verified while the record is on its way; a wrong one abandons the read.
  const reading = waves.run('read', () =>
    Promise.all([deps.allowList.find(asked.thingName, { signal }), products.fresh]),
  )
  reading.catch(() => {})
  const csr = asked.csr === undefined ? undefined : await parseCsr(asked.csr, asked.thingName)
  const [record, snapshot] = await reading
  if (record === undefined) throw refused({ reason: 'unknown' })
  const name = productNameOf(record)
  const product = snapshot.products.get(name)
  if (product === undefined) {
    throw new AppError('products-unavailable', `there is no usable product ${name}`)
  }
  notes.product = product.name
  // A device that has a key of its own is nobody else's to sign for.
  if (record.publicKey !== undefined) throw wrongSignature()
  // Against the newest products, since a signer may have been withdrawn while this process slept.
  if (findSeedSigner(asked, snapshot.signers, deps.now())?.product !== product.name)
    throw wrongSignature()
  const location = deps.locate(request.address)
  const placement = place({
    policy: product.regionPolicy,
    enabledRegions: deps.regions.names,
    unavailable: deps.regionStatus.unavailable(snapshot.status),
    location,
    locating: deps.locating,
    address: request.address,
    attributes: record.attributes,
    thingName: record.thingName,
    pin: record.regionPin,
  })
  notes.region = placement.region
  notes.placement = describePlacement(placement)
  const { reprovisioning } = product
  const ask = { record, placement, reprovisioning, csr }
  const onFailover = (next: Placement) => {
    notes.region = next.region
    notes.placement = describePlacement(next)
  }
  const gate = deps.regionStatus
  const provisioned = await provision({ ...deps, ...request, gate, onFailover }, ask)
  return {
    ...provisioned,
    distanceKm: distanceTo(provisioned.region, location),
    isDefaultRegion: provisioned.region === product.regionPolicy.defaultRegion,
  }
}

/** A device may have been placed from elsewhere than it asks from now: what counts is where it is. */
function distanceTo(region: string, from: Place | undefined): number | undefined {
  const to = findRegion(region)
  return from === undefined || to === undefined ? undefined : distanceKm(from, to)
}

/** Verifies the signature against the copy at hand, else against a fresh one; gives the fresh one's promise. */
async function trustedProducts(
  { products, now }: Pick<DeviceProvisioningDeps, 'products' | 'now'>,
  asked: SeedRequest,
) {
  const copy = products.copy()
  const fresh = products.fresh()
  // A refusal below may leave it unread; what it has to say was logged where it failed.
  fresh.catch(() => {})
  if (copy !== undefined && findSeedSigner(asked, copy.signers, now())) return { fresh }
  const newer = await fresh
  if (newer === copy || !findSeedSigner(asked, newer.signers, now())) throw wrongSignature()
  return { fresh }
}

function wrongSignature(): AppError {
  return new AppError('wrong-sig', 'the signature is of no trusted signer')
}

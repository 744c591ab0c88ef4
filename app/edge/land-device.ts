import { findRegion } from '../../regions/catalogue.ts'
import { describePlacement } from '../../regions/describe-placement.ts'
import type { DeviceRegions } from '../../regions/device-regions.ts'
import { distanceKm, type Place } from '../../regions/distance.ts'
import type { Locate } from '../../regions/location.ts'
import { type Placement, place } from '../../regions/placement.ts'
import { AppError } from '../app-error.ts'
import type { ProductSnapshot } from '../products/control-table.ts'
import type { Product } from '../products/product.ts'
import type { ProductCache } from '../products/product-cache.ts'
import type { AllowList } from '../provisioning/allow-list.ts'
import { type DeviceRecord, productNameOf } from '../provisioning/device-record.ts'
import { type ProvisionDeps, type Provisioned, provision } from '../provisioning/provision.ts'
import type { SharedStatus } from '../region-status/status-table.ts'
import type { DeviceCsr } from '../request/csr.ts'
import { isSameKey } from '../request/same-key.ts'
import type { RegionStatus } from './region-status.ts'

/** What an edge reads of the control table, all of it at once. */
export type ControlSnapshot = ProductSnapshot & { readonly status: SharedStatus }

export type LandingDeps = {
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
  /** Throws AppError `too-many-requests` where this name asks too often. */
  readonly limitThing: (thingName: string, address: string) => Promise<void>
}

/** What is known of a request so far, for its log line, whatever comes of it. */
export type RequestNotes = {
  thingName?: string
  product?: string
  region?: string | undefined
  placement?: string | undefined
}

/** One request on its way, whatever its contract. */
export type Asking = {
  readonly body: string
  readonly address: string
  readonly notes: RequestNotes
} & Pick<ProvisionDeps, 'waves' | 'signal' | 'onIncident' | 'onTrouble'>

/** The assignment, and how far it is; undefined where the address has no known position. */
export type Landing = Provisioned & {
  readonly distanceKm: number | undefined
  /** The region is the product's default one. */
  readonly isDefaultRegion: boolean
  readonly reason: string
}

/** The product of a device record; throws AppError where there is none that can be used. */
export function getProduct(snapshot: ProductSnapshot, record: DeviceRecord): Product {
  const name = productNameOf(record)
  const product = snapshot.products.get(name)
  if (product !== undefined) return product
  throw new AppError('products-unavailable', `there is no usable product ${name}`)
}

/**
 * Who asks has proven to be the device: where it shall be, then the protocol. The same for every
 * contract. Throws AppError or RegionError.
 */
export async function landDevice(
  deps: LandingDeps,
  request: Asking,
  device: {
    readonly record: DeviceRecord
    readonly product: Product
    readonly snapshot: ControlSnapshot
    readonly csr: DeviceCsr | undefined
    /** Epoch milliseconds; undefined under the seed contract. */
    readonly issuedAt?: number
  },
): Promise<Landing> {
  const { notes } = request
  const { record, product, snapshot, csr, issuedAt } = device
  notes.product = product.name
  refuseSharedKey(csr, snapshot)
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
  const ask = { record, placement, reprovisioning, csr, issuedAt }
  const onFailover = (next: Placement) => {
    notes.region = next.region
    notes.placement = describePlacement(next)
  }
  const gate = deps.regionStatus
  const provisioned = await provision({ ...deps, ...request, gate, onFailover }, ask)
  return {
    ...provisioned,
    reason: provisioned.reason ?? notes.placement,
    distanceKm: distanceTo(provisioned.region, location),
    isDefaultRegion: provisioned.region === product.regionPolicy.defaultRegion,
  }
}

/** With a signer's key, of whichever product, a device would share its identity with all who hold it. */
function refuseSharedKey(csr: DeviceCsr | undefined, snapshot: ProductSnapshot): void {
  if (csr === undefined || !snapshot.signers.some((it) => isSameKey(it.key, csr.key))) return
  throw new AppError('invalid-csr', 'invalid CSR: its key is a signer’s, not its own')
}

/** A device may have been placed from elsewhere than it asks from now: what counts is where it is. */
function distanceTo(region: string, from: Place | undefined): number | undefined {
  const to = findRegion(region)
  return from === undefined || to === undefined ? undefined : distanceKm(from, to)
}

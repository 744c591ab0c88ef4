import type { DeviceRegions } from '../../regions/device-regions.ts'
import type { Locate } from '../../regions/location.ts'
import { describePlacement, type Placement, place } from '../../regions/placement.ts'
import { AppError } from '../app-error.ts'
import { defaultProductName, type Product } from '../products/product.ts'
import type { ProductCache } from '../products/product-cache.ts'
import type { AllowList } from '../provisioning/allow-list.ts'
import {
  type ProvisionDeps,
  type Provisioned,
  provision,
  refused,
} from '../provisioning/provision.ts'
import { parseCsr } from '../request/csr.ts'
import { findSeedSigner, parseSeedRequest, type SeedRequest } from '../request/seed-request.ts'

export type DeviceProvisioningDeps = {
  readonly allowList: AllowList
  readonly products: ProductCache
  readonly regions: Pick<DeviceRegions, 'find' | 'names'>
  readonly locate: Locate
  readonly leaseSeconds: number
  readonly now: () => number
  readonly newAttemptId: () => string
}

/** What is known of a request so far, for its log line, whatever comes of it. */
export type RequestNotes = {
  thingName?: string
  product?: string
  region?: string
  placement?: string
  distanceKm?: number | undefined
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
    'waves' | 'signal' | 'onTrouble'
  >,
): Promise<Provisioned> {
  const { notes, waves, signal } = request
  const asked = parseSeedRequest(request.body)
  notes.thingName = asked.thingName
  const products = await trustedProducts(deps.products, asked)
  // The CSR is verified while the record is on its way; a wrong one abandons the read.
  const reading = waves.run('read', () =>
    Promise.all([deps.allowList.find(asked.thingName, { signal }), products.fresh]),
  )
  reading.catch(() => {})
  const csr = asked.csr === undefined ? undefined : await parseCsr(asked.csr, asked.thingName)
  const [record, snapshot] = await reading
  if (record === undefined) throw refused({ reason: 'unknown' })
  const product = snapshot.products.get(record.product ?? defaultProductName)
  if (product === undefined) {
    const name = record.product ?? defaultProductName
    throw new AppError('products-unavailable', `there is no usable product ${name}`)
  }
  notes.product = product.name
  // Against the newest products, since a signer may have been withdrawn while this process slept.
  if (findSeedSigner(asked, snapshot.seedSigners)?.product !== product.name) throw wrongSignature()
  const placement = placeDevice(deps, product, request.address, record.regionPin)
  notes.region = placement.region
  notes.placement = describePlacement(placement)
  notes.distanceKm = placement.distanceKm
  const { reprovisioning } = product
  return await provision({ ...deps, ...request }, { record, placement, reprovisioning, csr })
}

/** Verifies the signature against the copy at hand, else against a fresh one; gives the fresh one's promise. */
async function trustedProducts(cache: ProductCache, asked: SeedRequest) {
  const copy = cache.copy()
  const fresh = cache.fresh()
  // A refusal below may leave it unread; what it has to say was logged where it failed.
  fresh.catch(() => {})
  if (copy !== undefined && findSeedSigner(asked, copy.seedSigners)) return { fresh }
  const newer = await fresh
  if (newer === copy || !findSeedSigner(asked, newer.seedSigners)) throw wrongSignature()
  return { fresh }
}

function placeDevice(
  deps: DeviceProvisioningDeps,
  product: Product,
  address: string,
  pin: string | undefined,
): Placement {
  const placement = place({
    policy: product.regionPolicy,
    enabledRegions: deps.regions.names,
    location: deps.locate(address),
    pin,
  })
  if (placement !== undefined) return placement
  throw new AppError(
    'region-not-configured',
    `no region that product ${product.name} allows is enabled`,
  )
}

function wrongSignature(): AppError {
  return new AppError('wrong-sig', 'the signature is of no trusted signer')
}

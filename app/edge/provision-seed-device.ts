import { AppError } from '../app-error.ts'
import { refused } from '../provisioning/provision.ts'
import { parseCsr } from '../request/csr.ts'
import { findSeedSigner, parseSeedRequest, type SeedRequest } from '../request/seed-request.ts'
import {
  type Asking,
  getProduct,
  type Landing,
  type LandingDeps,
  landDevice,
} from './land-device.ts'

/**
 * One request of the seed contract, from its body to the assignment: read, decide, then the protocol.
 * The signature is checked against the products at hand, with no I/O; the device record and, where
 * they are due, newer products are read together. Throws AppError or RegionError.
 */
export async function provisionSeedDevice(deps: LandingDeps, request: Asking): Promise<Landing> {
  const { notes, waves, signal, address } = request
  const asked = parseSeedRequest(request.body)
  const { thingName } = asked
  notes.thingName = thingName
  const products = await trustedProducts(deps, asked)
  await deps.limitThing(thingName, address)
  // The CSR is verified while the record is on its way; a wrong one abandons the read.
  const reading = waves.run('read', () =>
    Promise.all([deps.allowList.find(thingName, { signal }), products.fresh]),
  )
  reading.catch(() => {})
  const csr = asked.csr === undefined ? undefined : await parseCsr(asked.csr, thingName)
  const [record, snapshot] = await reading
  if (record === undefined) throw refused({ reason: 'unknown' })
  const product = getProduct(snapshot, record)
  // A device that has a key of its own is nobody else's to sign for.
  if (record.publicKey !== undefined) throw wrongSignature()
  // Against the newest products, since a signer may have been withdrawn while this process slept.
  const signer = findSeedSigner(asked, snapshot.signers, deps.now())
  if (signer?.product !== product.name) throw wrongSignature()
  return await landDevice(deps, request, { record, product, snapshot, csr })
}

/** Verifies the signature against the copy at hand, else against a fresh one; gives the fresh one's promise. */
async function trustedProducts(
  { products, now }: Pick<LandingDeps, 'products' | 'now'>,
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

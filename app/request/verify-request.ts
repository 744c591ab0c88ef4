import { flattenedVerify } from 'jose'
import { decoyFor } from './decoy-keys.ts'
import { findCertifiedDevices, type TrustedCa } from './factory-chain.ts'
import type { LandfallRequest } from './landfall-request.ts'
import type { TrustedSigner } from './seed-request.ts'
import { algorithmsOf, bareKey, type SigningJwk } from './signing-jwk.ts'
import { isValidAt } from './validity.ts'

/** Who may sign, of all products. */
export type Trust = {
  readonly signers: readonly TrustedSigner[]
  readonly factoryCas: readonly TrustedCa[]
}

/** What the allow-list says of the device; undefined where it doesn't know the name. */
export type KnownDevice = { readonly product: string; readonly publicKey?: SigningJwk | undefined }

/**
 * Whether who may sign for this device did (docs/landfall-contract.md, "Who may sign"): its own key,
 * where it has one; else the signer of its product that `kid` names, or the certificate that its factory
 * gave it. `now` in epoch milliseconds.
 *
 * The work is the same whatever the allow-list knows: one signature is verified, under a key of its kind
 * and length that nobody has where there is no right one, and every key is imported anew.
 */
export async function isSignedByItsOwn(
  request: LandfallRequest,
  trust: Trust,
  device: KnownDevice | undefined,
  now: number,
): Promise<boolean> {
  const candidates = await findCandidates(request, trust, now)
  const right = device?.publicKey ?? candidates.get(device?.product ?? '')
  const { algorithm, jws } = request
  const usable =
    right !== undefined && algorithmsOf(right).includes(algorithm) && fits(right, jws.signature)
  const key = usable ? right : decoyFor(algorithm, jws.signature)
  const options = { algorithms: [algorithm] }
  const verified = await flattenedVerify(jws, bareKey(key), options).then(
    () => true,
    () => false,
  )
  return verified && usable && device !== undefined
}

/** An RSA signature is as long as its key's modulus (RFC 8017 section 8): another one isn't tried. */
function fits(key: SigningJwk, signature: string): boolean {
  if (key.kty !== 'RSA') return true
  return Buffer.byteLength(key.n, 'base64url') === Buffer.byteLength(signature, 'base64url')
}

/** The key that may sign by what the header says, for each product that trusts one. */
async function findCandidates(
  { chain, kid, algorithm, thingName }: LandfallRequest,
  trust: Trust,
  now: number,
): Promise<Map<string, SigningJwk>> {
  if (chain !== undefined) {
    const devices = await findCertifiedDevices(chain, thingName, trust.factoryCas, now)
    return new Map(devices.map(({ product, key }) => [product, key]))
  }
  const signers = trust.signers.filter(
    (it) =>
      it.kid === kid &&
      it.contracts.includes('landfall') &&
      it.algorithms.includes(algorithm) &&
      isValidAt(it, now),
  )
  return new Map(signers.map(({ product, jwk }) => [product, jwk]))
}

import { constants, type KeyObject, verify } from 'node:crypto'
import { AppError } from '../app-error.ts'
import type { SignatureAlgorithm, SigningJwk } from './signing-jwk.ts'
import { isThingName } from './thing-name.ts'
import { isValidAt, type Validity } from './validity.ts'

/** A request of the seed contract that has the right shape; nothing in it is verified yet. */
export type SeedRequest = {
  readonly thingName: string
  readonly signature: string
  /** The member `CSR` as sent, of whatever type; undefined where it is absent. */
  readonly csr: unknown
}

/** A public key that may sign for the devices of exactly one product, while it is valid. */
export type TrustedSigner = Validity & {
  readonly product: string
  readonly kid: string
  readonly jwk: SigningJwk
  readonly key: KeyObject
  readonly contracts: readonly string[]
  /** What it may sign with under the Landfall contract. */
  readonly algorithms: readonly SignatureAlgorithm[]
}

/** Reads the body of the seed contract; throws AppError in the contract's order of checks. */
export function parseSeedRequest(body: string): SeedRequest {
  const members = parseObject(body)
  if (!Object.hasOwn(members, 'thing-name')) throw new AppError('no-thing-name', 'no thing name')
  const thingName = members['thing-name']
  if (typeof thingName !== 'string' || !isThingName(thingName)) {
    throw new AppError('invalid-thing-name', 'thing-name is not a thing name')
  }
  if (!Object.hasOwn(members, 'thing-name-sig')) throw new AppError('no-sig', 'no sig')
  const signature = members['thing-name-sig']
  if (typeof signature !== 'string') {
    throw new AppError('invalid-sig', 'thing-name-sig is not a string')
  }
  return { thingName, signature, csr: members.CSR }
}

/**
 * The signer whose key made the signature: standard base64 of RSASSA-PKCS1-v1_5 with SHA-256
 * (RFC 8017 section 8.2) over the UTF-8 bytes of the thing name. `now` in epoch milliseconds.
 * Undefined where none that is valid did.
 */
export function findSeedSigner(
  request: SeedRequest,
  signers: readonly TrustedSigner[],
  now: number,
): TrustedSigner | undefined {
  const signature = decodeBase64(request.signature)
  if (signature === undefined) return undefined
  const name = Buffer.from(request.thingName, 'utf8')
  return signers.find(
    ({ key, contracts, ...signer }) =>
      contracts.includes('seed') &&
      isValidAt(signer, now) &&
      verify('sha256', name, { key, padding: constants.RSA_PKCS1_PADDING }, signature),
  )
}

function parseObject(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // Said below, the same for every body that isn't an object.
  }
  throw new AppError('invalid-request', 'the body is no JSON object')
}

/** Strict standard base64 (RFC 4648 section 4), padded; Buffer alone would skip over junk. */
function decodeBase64(text: string): Buffer | undefined {
  const strict = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
  return text.length > 0 && strict.test(text) ? Buffer.from(text, 'base64') : undefined
}

import { AppError } from '../app-error.ts'
import { type DeviceRecord, productNameOf } from '../provisioning/device-record.ts'
import { type DeviceCsr, parseCsrDer } from '../request/csr.ts'
import { encryptKey, proveDeliveryKey } from '../request/delivery-key.ts'
import { type Freshness, getIssueTime } from '../request/freshness.ts'
import { type LandfallRequest, parseLandfallRequest } from '../request/landfall-request.ts'
import { findNonceTime } from '../request/nonce.ts'
import { type RouterKeys, signReceipt } from '../request/router-keys.ts'
import { isSignedByItsOwn } from '../request/verify-request.ts'
import {
  type Asking,
  getProduct,
  type Landing,
  type LandingDeps,
  landDevice,
} from './land-device.ts'

/** What the Landfall contract needs of a deployment beside what every contract does. */
export type LandfallDeployment = {
  /** Its name, which devices put into `aud`. */
  readonly audience: string
  readonly keys: RouterKeys
  readonly freshness: Freshness
}

/** The assignment with what only this contract gives. */
export type LandfallLanding = Landing & {
  readonly thingName: string
  readonly privateKeyJwe: string | undefined
  readonly receipt: string
}

/**
 * One request of the Landfall contract, from its body to the assignment. Signature and record are judged
 * together, after the same work whether the name is known or not. Throws AppError or RegionError.
 */
export async function provisionLandfallDevice(
  deps: LandingDeps,
  deployment: LandfallDeployment,
  request: Asking & { readonly flattened: boolean },
): Promise<LandfallLanding> {
  const { notes, address } = request
  const asked = parseLandfallRequest(request.body, request.flattened)
  const { thingName, deliveryKey } = asked
  notes.thingName = thingName
  if (asked.audience !== deployment.audience) {
    throw new AppError('wrong-audience', `aud must be ${deployment.audience}`)
  }
  const { keys, freshness } = deployment
  const nonceTime = (nonce: string) => findNonceTime(keys.nonceKeys, nonce)
  const issuedAt = getIssueTime(asked, freshness, nonceTime, deps.now())
  await deps.limitThing(thingName, address)
  // Judged after the signature, and done while the record is on its way.
  const material = settle(readMaterial(asked))
  const { record, snapshot } = await authenticate(deps, request, asked)
  const csr = (await material)()
  const product = getProduct(snapshot, record)
  const device = { record, product, snapshot, csr, issuedAt }
  const landing = await landDevice(deps, request, device)
  const { region, endpointAddress, certificateId, reason, privateKey } = landing
  const policyVersion = snapshot.versions.get(product.name)
  const [privateKeyJwe, receipt] = await Promise.all([
    privateKey === undefined || deliveryKey === undefined
      ? undefined
      : encryptKey(privateKey, deliveryKey),
    signReceipt(keys, {
      iss: deployment.audience,
      sub: thingName,
      iat: Math.floor(deps.now() / 1000),
      region,
      endpointAddress,
      certificateId,
      product: product.name,
      ...(policyVersion === undefined ? {} : { policyVersion }),
      reason,
    }),
  ])
  return { ...landing, thingName, privateKeyJwe, receipt }
}

/** The record of the device that signed; throws AppError `unknown` or `wrong-sig`, which answer alike. */
async function authenticate(deps: LandingDeps, request: Asking, asked: LandfallRequest) {
  const { waves, signal } = request
  const [found, snapshot] = await waves.run('read', () =>
    Promise.all([
      findRecord(deps.allowList.find(asked.thingName, { signal })),
      deps.products.fresh(),
    ]),
  )
  const { record, unreadable } = found
  const known = record && { product: productNameOf(record), publicKey: record.publicKey }
  const right = await isSignedByItsOwn(asked, snapshot, known, deps.now())
  if (record === undefined) throw new AppError('unknown', 'no such device', { cause: unreadable })
  if (!right) throw new AppError('wrong-sig', 'the signature is by nobody who may sign for it')
  return { record, snapshot }
}

/** A row that is no device record is as good as none to whoever hasn't proven anything. */
async function findRecord(
  reading: Promise<DeviceRecord | undefined>,
): Promise<{ record?: DeviceRecord | undefined; unreadable?: AppError }> {
  try {
    return { record: await reading }
  } catch (error) {
    if (error instanceof AppError && error.code === 'conflict') return { unreadable: error }
    throw error
  }
}

/** The verified CSR, or the proof that a key can be sent to the device. */
async function readMaterial(asked: LandfallRequest): Promise<DeviceCsr | undefined> {
  if (asked.csr !== undefined) return await parseCsrDer(asked.csr, asked.thingName)
  if (asked.deliveryKey !== undefined) await proveDeliveryKey(asked.deliveryKey)
  return undefined
}

/** What a promise came to, to be looked at later: its value, or its error thrown then. */
async function settle<T>(promise: Promise<T>): Promise<() => T> {
  try {
    const value = await promise
    return () => value
  } catch (error) {
    return () => {
      throw error
    }
  }
}

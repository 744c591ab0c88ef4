import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandFailure } from '../failure.ts'
import { findText, writeWhole } from '../whole-file.ts'

/** What a provisioned device keeps. */
export type DeviceIdentity = {
  readonly keyPem: string
  readonly certificatePem: string
  readonly endpointAddress: string
  readonly region: string
}

export type DeviceFiles = {
  readonly key: string
  readonly csr: string
  readonly receipt: string
  readonly certificate: string
  readonly endpoint: string
}

/** The seed's file names, and the receipt's. `thing` must be a thing name: those have no slash and aren't `..`. */
export function deviceFiles(folder: string, thing: string): DeviceFiles {
  const base = join(folder, thing)
  return {
    key: `${base}.device.key.pem`,
    csr: `${base}.device.csr.pem`,
    receipt: `${base}.receipt.jws`,
    certificate: `${base}.device.cert.pem`,
    endpoint: `${base}.endpoint`,
  }
}

/** The identity in the folder, or undefined while any of key, certificate and endpoint is missing. */
export async function findIdentity(files: DeviceFiles): Promise<DeviceIdentity | undefined> {
  const [keyPem, certificatePem, endpoint] = await Promise.all([
    findText(files.key),
    findText(files.certificate),
    findText(files.endpoint),
  ])
  if (keyPem === undefined || certificatePem === undefined || endpoint === undefined) {
    return undefined
  }
  const [endpointAddress, region, ...more] = endpoint.trim().split('::')
  if (!endpointAddress || !region || more.length > 0) {
    throw new CommandFailure(`${files.endpoint} doesn't hold endpoint::region`, {
      hint: 'remove the file and start the device again',
    })
  }
  return { keyPem, certificatePem, endpointAddress, region }
}

/**
 * Keeps an identity so that a crash never leaves a complete but wrong one: the file that makes the
 * set complete comes last. With an own key the key is there already and the certificate is last;
 * a key made by AWS IoT is last itself, as a key alone in the folder means "ask with my CSR".
 */
export async function saveIdentity(
  files: DeviceFiles,
  identity: DeviceIdentity,
  given: { readonly keyIsOurs: boolean; readonly receipt: string | undefined },
): Promise<void> {
  if (given.receipt !== undefined) await writeWhole(files.receipt, given.receipt)
  await writeWhole(files.endpoint, `${identity.endpointAddress}::${identity.region}`)
  await writeWhole(files.certificate, identity.certificatePem)
  if (!given.keyIsOurs) await writeWhole(files.key, identity.keyPem, 0o600)
}

export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
}

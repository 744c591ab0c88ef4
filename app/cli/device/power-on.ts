import { createPrivateKey, X509Certificate } from 'node:crypto'
import { CommandFailure } from '../failure.ts'
import { findText, writeWhole } from '../whole-file.ts'
import { type AskEvent, type AskOptions, askUntilAnswered } from './ask-until-answered.ts'
import type { Provisioned, Refused } from './contract.ts'
import {
  type DeviceIdentity,
  deviceFiles,
  findIdentity,
  makeFolder,
  saveIdentity,
} from './files.ts'
import { type KeyType, makeCsrPem, makeKeyPem } from './own-key.ts'

export type PowerOnOptions = Omit<AskOptions, 'on'> & {
  readonly thing: string
  /** Where the device keeps its files; made where it doesn't exist. */
  readonly folder: string
  /** undefined: AWS IoT makes the key. */
  readonly ownKey?: KeyType
  /** Signs the real name, sends another one; nothing is kept. */
  readonly fake?: boolean
  readonly on?: (event: PowerOnEvent) => void
}

export type PowerOnEvent =
  | { readonly kind: 'key-made'; readonly type: KeyType }
  | { readonly kind: 'key-found' }
  | AskEvent

export type PowerOnOutcome =
  | ({
      readonly kind: 'provisioned'
      readonly identity: DeviceIdentity
      /** From the folder: the edge wasn't asked. */
      readonly known: boolean
    } & Pick<Provisioned, 'distanceKm' | 'message' | 'reason' | 'receipt'>)
  | Refused

/**
 * What a device does when it is switched on: with an identity in its folder nothing, else it asks the
 * edge for one and keeps it. Its own key is on the disk before the first request leaves, so every retry
 * and every later start sends the same CSR and gets the same certificate.
 * Throws CommandFailure where the edge can't be reached or understood; a refusal is an outcome.
 */
export async function powerOn(options: PowerOnOptions): Promise<PowerOnOutcome> {
  const { thing } = options
  const files = deviceFiles(options.folder, thing)
  if (options.fake === true) {
    const csrPem =
      options.ownKey === undefined ? undefined : await makeCsrPem(thing, makeKeyPem(options.ownKey))
    const answer = await askUntilAnswered(options, { thing, csrPem, fake: true })
    if (answer.kind === 'refused') return answer
    throw new CommandFailure('the edge accepted a forged request', {
      hint: 'its signature check doesn’t work: take it out of service',
    })
  }
  const known = await findIdentity(files)
  if (known !== undefined) return { kind: 'provisioned', identity: known, known: true }

  await makeFolder(options.folder)
  const keyPem = await ownKeyPem(options, files.key)
  let csrPem: string | undefined
  if (keyPem !== undefined) {
    csrPem = await makeCsrPem(thing, keyPem)
    await writeWhole(files.csr, csrPem)
  }
  const answer = await askUntilAnswered(options, { thing, csrPem, fake: false })
  if (answer.kind === 'refused') return answer
  const { kind: _kind, region, endpointAddress, certificatePem, privateKeyPem, ...more } = answer
  const identity = {
    keyPem: keyPem ?? privateKeyPem ?? '',
    certificatePem,
    endpointAddress,
    region,
  }
  if (!fits(identity)) {
    throw new CommandFailure(`${options.contract.url} gave a certificate of another key`, {
      hint: 'nothing was kept; an operator sees what was provisioned: npx landfall allow show NAME',
    })
  }
  const keyIsOurs = keyPem !== undefined
  await saveIdentity(files, identity, { keyIsOurs, receipt: answer.receipt })
  return { kind: 'provisioned', identity, known: false, ...more }
}

/** Whether the certificate is for this key: else the device could never connect, and would not ask again. */
function fits({ keyPem, certificatePem }: DeviceIdentity): boolean {
  try {
    return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem))
  } catch {
    return false
  }
}

/** The device's own key: the one in the folder, else a new one where the device is to make it. */
async function ownKeyPem(options: PowerOnOptions, path: string): Promise<string | undefined> {
  const found = await findText(path)
  if (found !== undefined) {
    options.on?.({ kind: 'key-found' })
    return found
  }
  if (options.ownKey === undefined) return undefined
  const made = makeKeyPem(options.ownKey)
  await writeWhole(path, made, 0o600)
  options.on?.({ kind: 'key-made', type: options.ownKey })
  return made
}

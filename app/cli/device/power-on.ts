import type { KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandFailure } from '../failure.ts'
import { findText, writeWhole } from '../whole-file.ts'
import { askEdge, type Edge } from './ask.ts'
import { buildSeedRequest, type SeedAnswer, type SeedRequest } from './contract.ts'
import {
  type DeviceIdentity,
  deviceFiles,
  findIdentity,
  makeFolder,
  saveIdentity,
} from './files.ts'
import { type KeyType, makeCsrPem, makeKeyPem } from './own-key.ts'
import { retryDelayMs } from './retry.ts'

export type PowerOnOptions = {
  readonly thing: string
  readonly edge: Edge
  readonly fleetKey: KeyObject
  /** Where the device keeps its files; made where it doesn't exist. */
  readonly folder: string
  /** undefined: AWS IoT makes the key. */
  readonly ownKey?: KeyType
  /** Signs the real name, sends another one; nothing is kept. */
  readonly fake?: boolean
  /** How long "try again later" and network failures are retried. */
  readonly retrySeconds: number
  readonly signal: AbortSignal
  readonly on?: (event: PowerOnEvent) => void
}

export type PowerOnEvent =
  | { readonly kind: 'key-made'; readonly type: KeyType }
  | { readonly kind: 'key-found' }
  | { readonly kind: 'asking'; readonly withCsr: boolean }
  | { readonly kind: 'retry'; readonly why: string; readonly delayMs: number }

export type PowerOnOutcome =
  | {
      readonly kind: 'provisioned'
      readonly identity: DeviceIdentity
      /** From the folder: the edge wasn't asked. */
      readonly known: boolean
      readonly distanceKm?: number
      readonly message?: string
    }
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }

/**
 * What a device does when it is switched on: with an identity in its folder nothing, else it asks the
 * edge for one and keeps it. Its own key is on the disk before the first request leaves, so every retry
 * and every later start sends the same CSR and gets the same certificate.
 * Throws CommandFailure where the edge can't be reached or understood; a refusal is an outcome.
 */
export async function powerOn(options: PowerOnOptions): Promise<PowerOnOutcome> {
  const files = deviceFiles(options.folder, options.thing)
  if (options.fake === true) {
    const answer = await askUntilAnswered(options, await fakeRequest(options))
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
    csrPem = await makeCsrPem(options.thing, keyPem)
    await writeWhole(files.csr, csrPem)
  }
  const answer = await askUntilAnswered(
    options,
    buildSeedRequest({ ...options, ...(csrPem === undefined ? {} : { csrPem }) }),
  )
  if (answer.kind === 'refused') return answer
  const identity = {
    keyPem: keyPem ?? answer.privateKeyPem ?? '',
    certificatePem: answer.certificatePem,
    endpointAddress: answer.endpointAddress,
    region: answer.region,
  }
  await saveIdentity(files, identity, keyPem !== undefined)
  return {
    kind: 'provisioned',
    identity,
    known: false,
    ...(answer.distanceKm === undefined ? {} : { distanceKm: answer.distanceKm }),
    ...(answer.message === undefined ? {} : { message: answer.message }),
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

async function fakeRequest(options: PowerOnOptions): Promise<SeedRequest> {
  if (options.ownKey === undefined) return buildSeedRequest(options)
  const csrPem = await makeCsrPem(options.thing, makeKeyPem(options.ownKey))
  return buildSeedRequest({ ...options, csrPem })
}

type Answered = Extract<SeedAnswer, { kind: 'provisioned' | 'refused' }>

async function askUntilAnswered(options: PowerOnOptions, request: SeedRequest): Promise<Answered> {
  const giveUpAt = performance.now() + options.retrySeconds * 1000
  for (let attempt = 0; ; attempt++) {
    options.on?.({ kind: 'asking', withCsr: request.CSR !== undefined })
    const answer = await askEdge(options.edge, request, options.signal)
    switch (answer.kind) {
      case 'provisioned':
      case 'refused':
        return answer
      case 'unreadable':
        throw new CommandFailure(`${options.edge.url} answered something else: ${answer.why}`, {
          hint: 'check --url: it ends in /device-provisioning',
        })
      case 'later': {
        const delayMs = retryDelayMs(attempt, answer.retryAfterSeconds, Math.random())
        if (performance.now() + delayMs > giveUpAt) throw gaveUp(options, answer)
        options.on?.({ kind: 'retry', why: answer.message, delayMs })
        await sleep(delayMs, undefined, { signal: options.signal })
        break
      }
      default:
        return answer satisfies never
    }
  }
}

function gaveUp(
  options: PowerOnOptions,
  answer: { status: number; message: string },
): CommandFailure {
  return answer.status === 0
    ? new CommandFailure(`${options.edge.url} can't be reached: ${answer.message}`, {
        hint: 'is the edge running, and --url right?',
      })
    : new CommandFailure(`the edge answers ${answer.status} ${answer.message}`, {
        hint: `start the device again later, or wait longer than ${options.retrySeconds} s with --retry-for`,
      })
}

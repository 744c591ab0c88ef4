import { setTimeout as sleep } from 'node:timers/promises'
import { retryDelayMs } from '../../app/cli/device/retry.ts'
import { makeDeviceKey } from '../device-key.ts'
import { type Answer, type EdgeProcess, type Stage, signedRequest } from '../stage.ts'
import { pick } from './random.ts'

export type SoakDevice = {
  readonly name: string
  readonly ownKey: boolean
  readonly address: string
  readonly request: unknown
}

/** What one device went through until it had its identity. */
export type Onboarding = {
  /** PEM. */
  readonly certificate: string
  readonly milliseconds: number
  /** Requests that were answered, by status. */
  readonly statuses: readonly number[]
  /** Connections that were refused or broke. */
  readonly broken: number
}

/** Allows the devices and makes their keys and CSRs ahead, many at a time. */
export async function makeDevices(
  stage: Stage,
  plan: { readonly devices: number; readonly addresses: readonly string[] },
): Promise<SoakDevice[]> {
  const made: SoakDevice[] = []
  const numbers = Array.from({ length: plan.devices }, (_, n) => n).values()
  const maker = async () => {
    for (const n of numbers) {
      const name = `soak-${String(n).padStart(5, '0')}`
      // Every tenth leaves its key to AWS IoT.
      const ownKey = n % 10 !== 9
      const csr = ownKey ? (await makeDeviceKey(name)).csr : undefined
      await stage.allow(name)
      const address = plan.addresses[n % plan.addresses.length] ?? ''
      made.push({ name, ownKey, address, request: signedRequest(stage, name, csr) })
    }
  }
  await Promise.all(Array.from({ length: 16 }, maker))
  return made.sort((a, b) => a.name.localeCompare(b.name))
}

/**
 * Asks as a patient device does: at an edge by chance, at another one where that is gone, later where
 * it is told so (never sooner than Retry-After says). Throws for any other answer, and at the signal.
 */
export async function onboard(
  device: SoakDevice,
  edges: () => readonly EdgeProcess[],
  options: { readonly random: () => number; readonly signal: AbortSignal },
): Promise<Onboarding> {
  const { random, signal } = options
  const startedAt = performance.now()
  const statuses: number[] = []
  let broken = 0
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted()
    const answer = await askOnce(device, edges(), random)
    if (answer === undefined) broken += 1
    else statuses.push(answer.status)
    if (answer?.status === 200) {
      const milliseconds = performance.now() - startedAt
      return { certificate: String(answer.body.certificatePem), milliseconds, statuses, broken }
    }
    if (answer !== undefined && answer.status !== 503) {
      throw new Error(`${device.name} got ${answer.status}: ${JSON.stringify(answer.body)}`)
    }
    // The next edge at once, unless that one is gone as well.
    if (answer === undefined && broken % 2 === 1) continue
    const told = answer?.retryAfter
    const seconds = told === undefined || told === null ? undefined : Number(told)
    await sleep(retryDelayMs(Math.min(attempt, 3), seconds, random()), undefined, { signal })
  }
}

/** Undefined where the connection was refused or ended without an answer. */
async function askOnce(
  { request, address }: SoakDevice,
  edges: readonly EdgeProcess[],
  random: () => number,
): Promise<Answer | undefined> {
  if (edges.length === 0) return undefined
  return await pick(random, edges)
    .post(request, address)
    .catch(() => undefined)
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { IoTClient } from '@aws-sdk/client-iot'
import { callSeconds, iotCertificates } from './iot-certificates.ts'
import type { IotRegion } from './iot-region.ts'
import { RegionError } from './region-error.ts'

/** `createdAt` in epoch milliseconds. */
export type ListedCertificate = {
  readonly certificateId: string
  readonly active: boolean
  readonly createdAt: number
}

/** A certificate with all that hangs on it. */
export type ObservedCertificate = ListedCertificate & {
  readonly region: string
  readonly things: readonly string[]
  readonly policies: readonly string[]
  /** RFC 7638 thumbprint of its public key: SHA-256, base64url. */
  readonly keyThumbprint: string
}

/** What the sweeper and operators see and do in one region. Every call throws RegionError, and may be repeated. */
export type IotAudit = {
  readonly region: string
  /** Newest first, down to `since` (epoch milliseconds); undefined: all. */
  list(since: number | undefined, signal: AbortSignal): AsyncGenerator<ListedCertificate>
  /** Undefined where there is no such certificate. */
  observe(certificateId: string, signal: AbortSignal): Promise<ObservedCertificate | undefined>
  /** Ids of the certificates attached to a thing; none where there is no such thing. */
  certificatesOf(thingName: string, signal: AbortSignal): Promise<readonly string[]>
  /** Attaches policy and thing to the certificate. */
  attach(thingName: string, certificateId: string, signal: AbortSignal): Promise<void>
  /**
   * INACTIVE, detached from things, detached from policies: in this order, so that a late attach meets an
   * inactive certificate. Read back until it is so. False where there is no such certificate.
   */
  cutOff(certificateId: string, signal: AbortSignal): Promise<boolean>
  /** As `cutOff`, then deleted; not read back. What is gone counts as done. */
  clean(certificateId: string, signal: AbortSignal): Promise<void>
}

/** Detaching takes AWS some seconds: waits before each further round. */
const roundWaitSeconds = [0.25, 0.5, 1, 2, 4, 8]

export function iotAudit(deps: {
  region: string
  partition: string
  account: string
  client: IoTClient
  /** Attaches as an edge does, with the sweeper's credentials. */
  iot: Pick<IotRegion, 'attach'>
}): IotAudit {
  const { region } = deps
  const certificates = iotCertificates(deps)

  async function disarm(certificateId: string, signal: AbortSignal): Promise<boolean> {
    if (!(await certificates.deactivate(certificateId, signal))) return false
    for (const thingName of (await certificates.thingsOf(certificateId, signal)) ?? []) {
      await certificates.detachThing(thingName, certificateId, signal)
    }
    for (const policyName of (await certificates.policiesOf(certificateId, signal)) ?? []) {
      await certificates.detachPolicy(policyName, certificateId, signal)
    }
    return true
  }

  async function observe(certificateId: string, signal: AbortSignal) {
    const [described, things, policies] = await Promise.all([
      certificates.describe(certificateId, signal),
      certificates.thingsOf(certificateId, signal),
      certificates.policiesOf(certificateId, signal),
    ])
    if (described === undefined || things === undefined || policies === undefined) return undefined
    return { region, certificateId, ...described, things, policies }
  }

  /** Repeats a round until AWS has done what it was asked. */
  async function untilDone(
    operation: string,
    signal: AbortSignal,
    round: () => Promise<boolean>,
  ): Promise<void> {
    for (const seconds of [0, ...roundWaitSeconds]) {
      await sleep(seconds * 1000, undefined, { signal })
      if (await round()) return
    }
    throw new RegionError('contended', region, operation)
  }

  return {
    region,
    async *list(since, signal) {
      for await (const page of certificates.pages(signal)) {
        for (const { certificateId, creationDate, status } of page) {
          if (certificateId === undefined || creationDate === undefined) continue
          const createdAt = creationDate.getTime()
          if (since !== undefined && createdAt < since) return
          yield { certificateId, active: status === 'ACTIVE', createdAt }
        }
      }
    },
    observe,
    certificatesOf: certificates.certificatesOf,
    attach: (thingName, certificateId, signal) =>
      deps.iot.attach(
        thingName,
        certificateId,
        AbortSignal.any([signal, AbortSignal.timeout(callSeconds * 1000)]),
      ),
    async cutOff(certificateId, signal) {
      let found = true
      await untilDone('DetachThingPrincipal', signal, async () => {
        found = await disarm(certificateId, signal)
        const it = found ? await observe(certificateId, signal) : undefined
        if (it === undefined) found = false
        return it === undefined || (!it.active && it.things.length + it.policies.length === 0)
      })
      return found
    },
    clean: (certificateId, signal) =>
      untilDone('DeleteCertificate', signal, async () => {
        await disarm(certificateId, signal)
        return await certificates.remove(certificateId, signal)
      }),
  }
}

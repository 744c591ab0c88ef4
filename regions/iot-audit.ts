import { X509Certificate } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CertificateStateException,
  DeleteCertificateCommand,
  DeleteConflictException,
  DescribeCertificateCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  type IoTClient,
  paginateListAttachedPolicies,
  paginateListCertificates,
  paginateListPrincipalThings,
  paginateListThingPrincipals,
  ResourceNotFoundException,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot'
import { calculateJwkThumbprint } from 'jose'
import type { IotRegion } from './iot-region.ts'
import { RegionError, translateRegionError } from './region-error.ts'

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

/** What the sweeper sees and does in one region. Every call throws RegionError, and may be repeated. */
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
   * INACTIVE, detached from things, detached from policies, deleted: in this order, so that a late
   * attach meets an inactive or missing certificate. What is gone counts as done.
   */
  clean(certificateId: string, signal: AbortSignal): Promise<void>
}

const pageSize = 250
/** Bounds one call with its retries and its waits for a slot. */
const callSeconds = 60
/** Detaching takes AWS some seconds: waits before each further round of a clean-up. */
const cleanWaitSeconds = [0.25, 0.5, 1, 2, 4, 8]

export function iotAudit(deps: {
  region: string
  partition: string
  account: string
  client: IoTClient
  /** Attaches as an edge does, with the sweeper's credentials. */
  iot: Pick<IotRegion, 'attach'>
}): IotAudit {
  const { region, client } = deps
  const arnPrefix = `arn:${deps.partition}:iot:${region}:${deps.account}:cert/`

  async function call<T>(
    operation: string,
    signal: AbortSignal,
    run: (options: { abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(callSeconds * 1000)])
    try {
      return await run({ abortSignal })
    } catch (error) {
      throw translateRegionError(error, region, operation)
    }
  }

  function describe(certificateId: string, signal: AbortSignal) {
    return call('DescribeCertificate', signal, async (options) => {
      const answer = await orUndefined(
        client.send(new DescribeCertificateCommand({ certificateId }), options),
      )
      const it = answer?.certificateDescription
      if (it === undefined) return undefined
      const { certificatePem, creationDate, status } = it
      if (certificatePem === undefined || creationDate === undefined) {
        throw new Error('DescribeCertificate answered without the certificate')
      }
      return {
        active: status === 'ACTIVE',
        createdAt: creationDate.getTime(),
        keyThumbprint: await keyThumbprint(certificatePem),
      }
    })
  }

  function thingsOf(certificateId: string, signal: AbortSignal) {
    return call('ListPrincipalThings', signal, async (options) => {
      const input = { principal: arnPrefix + certificateId }
      const things: string[] = []
      for await (const page of paginateListPrincipalThings({ client, pageSize }, input, options)) {
        things.push(...(page.things ?? []))
      }
      return things
    })
  }

  function policiesOf(certificateId: string, signal: AbortSignal) {
    return call('ListAttachedPolicies', signal, async (options) => {
      const input = { target: arnPrefix + certificateId }
      const policies: string[] = []
      for await (const page of paginateListAttachedPolicies({ client, pageSize }, input, options)) {
        for (const { policyName } of page.policies ?? []) {
          if (policyName !== undefined) policies.push(policyName)
        }
      }
      return policies
    })
  }

  /** One round of the clean-up; false where AWS still sees something attached, or an ACTIVE certificate. */
  async function cleanOnce(certificateId: string, signal: AbortSignal): Promise<boolean> {
    const principal = arnPrefix + certificateId
    await call('UpdateCertificate', signal, (options) =>
      orUndefined(
        client.send(
          new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }),
          options,
        ),
      ),
    )
    for (const thingName of (await unlessGone(thingsOf(certificateId, signal))) ?? []) {
      await call('DetachThingPrincipal', signal, (options) =>
        orUndefined(
          client.send(new DetachThingPrincipalCommand({ thingName, principal }), options),
        ),
      )
    }
    for (const policyName of (await unlessGone(policiesOf(certificateId, signal))) ?? []) {
      await call('DetachPolicy', signal, (options) =>
        orUndefined(
          client.send(new DetachPolicyCommand({ policyName, target: principal }), options),
        ),
      )
    }
    return await call('DeleteCertificate', signal, async (options) => {
      try {
        await orUndefined(client.send(new DeleteCertificateCommand({ certificateId }), options))
        return true
      } catch (error) {
        if (error instanceof DeleteConflictException) return false
        if (error instanceof CertificateStateException) return false
        throw error
      }
    })
  }

  return {
    region,
    async *list(since, signal) {
      const pages = paginateListCertificates({ client, pageSize }, {}, { abortSignal: signal })
      for (;;) {
        const { value: page, done } = await call('ListCertificates', signal, () => pages.next())
        if (done === true || page === undefined) return
        for (const { certificateId, creationDate, status } of page.certificates ?? []) {
          if (certificateId === undefined || creationDate === undefined) continue
          const createdAt = creationDate.getTime()
          if (since !== undefined && createdAt < since) return
          yield { certificateId, active: status === 'ACTIVE', createdAt }
        }
      }
    },
    async observe(certificateId, signal) {
      const [described, things, policies] = await Promise.all([
        describe(certificateId, signal),
        unlessGone(thingsOf(certificateId, signal)),
        unlessGone(policiesOf(certificateId, signal)),
      ])
      if (described === undefined || things === undefined || policies === undefined) {
        return undefined
      }
      return { region, certificateId, ...described, things, policies }
    },
    async certificatesOf(thingName, signal) {
      const arns = await unlessGone(
        call('ListThingPrincipals', signal, async (options) => {
          const found: string[] = []
          const input = { thingName }
          const pages = paginateListThingPrincipals({ client, pageSize }, input, options)
          for await (const page of pages) found.push(...(page.principals ?? []))
          return found
        }),
      )
      // A principal may be a Cognito identity too: none of ours.
      return (arns ?? []).flatMap((arn) =>
        arn.startsWith(arnPrefix) ? [arn.slice(arnPrefix.length)] : [],
      )
    },
    attach: (thingName, certificateId, signal) =>
      deps.iot.attach(
        thingName,
        certificateId,
        AbortSignal.any([signal, AbortSignal.timeout(callSeconds * 1000)]),
      ),
    async clean(certificateId, signal) {
      for (const seconds of [0, ...cleanWaitSeconds]) {
        await sleep(seconds * 1000, undefined, { signal })
        if (await cleanOnce(certificateId, signal)) return
      }
      throw new RegionError('contended', region, 'DeleteCertificate')
    },
  }
}

async function keyThumbprint(certificatePem: string): Promise<string> {
  const { publicKey } = new X509Certificate(certificatePem)
  return await calculateJwkThumbprint(publicKey.export({ format: 'jwk' }))
}

async function orUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined
    throw error
  }
}

/** As `orUndefined`, for calls whose error is translated already. */
async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (error instanceof RegionError && error.cause instanceof ResourceNotFoundException) {
      return undefined
    }
    throw error
  }
}

import { X509Certificate } from 'node:crypto'
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
import { translateRegionError } from './region-error.ts'

const pageSize = 250
/** Bounds one call with its retries and its waits for a slot. */
export const callSeconds = 60

/** AWS IoT's calls on the certificates of one region, one each; all throw RegionError and may be repeated. */
export type IotCertificates = ReturnType<typeof iotCertificates>

export function iotCertificates(deps: {
  region: string
  partition: string
  account: string
  client: IoTClient
}) {
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

  return {
    /** Newest first, page by page. */
    async *pages(signal: AbortSignal) {
      const pages = paginateListCertificates({ client, pageSize }, {}, { abortSignal: signal })
      for (;;) {
        const { value: page, done } = await call('ListCertificates', signal, () => pages.next())
        if (done === true || page === undefined) return
        yield page.certificates ?? []
      }
    },

    /** Undefined where there is no such certificate. */
    describe(certificateId: string, signal: AbortSignal) {
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
    },

    /** Names of the things that it is attached to; undefined where there is no such certificate. */
    thingsOf(certificateId: string, signal: AbortSignal): Promise<string[] | undefined> {
      return call('ListPrincipalThings', signal, (options) =>
        orUndefined(
          collect(
            paginateListPrincipalThings(
              { client, pageSize },
              { principal: arnPrefix + certificateId },
              options,
            ),
            (page) => page.things,
          ),
        ),
      )
    },

    /** Names of the policies that it holds; undefined where there is no such certificate. */
    policiesOf(certificateId: string, signal: AbortSignal): Promise<string[] | undefined> {
      return call('ListAttachedPolicies', signal, (options) =>
        orUndefined(
          collect(
            paginateListAttachedPolicies(
              { client, pageSize },
              { target: arnPrefix + certificateId },
              options,
            ),
            (page) => page.policies?.flatMap(({ policyName }) => policyName ?? []),
          ),
        ),
      )
    },

    /** Ids of the certificates attached to a thing; none where there is no such thing. */
    async certificatesOf(thingName: string, signal: AbortSignal): Promise<string[]> {
      const arns = await call('ListThingPrincipals', signal, (options) =>
        orUndefined(
          collect(
            paginateListThingPrincipals({ client, pageSize }, { thingName }, options),
            (page) => page.principals,
          ),
        ),
      )
      // A principal may be a Cognito identity too: none of ours.
      return (arns ?? []).flatMap((arn) =>
        arn.startsWith(arnPrefix) ? [arn.slice(arnPrefix.length)] : [],
      )
    },

    /** INACTIVE; false where there is no such certificate. */
    async deactivate(certificateId: string, signal: AbortSignal): Promise<boolean> {
      const update = new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' })
      return await call('UpdateCertificate', signal, (options) =>
        isThere(client.send(update, options)),
      )
    },

    async detachThing(thingName: string, certificateId: string, signal: AbortSignal) {
      const principal = arnPrefix + certificateId
      const detach = new DetachThingPrincipalCommand({ thingName, principal })
      await call('DetachThingPrincipal', signal, (options) => isThere(client.send(detach, options)))
    },

    async detachPolicy(policyName: string, certificateId: string, signal: AbortSignal) {
      const target = arnPrefix + certificateId
      const detach = new DetachPolicyCommand({ policyName, target })
      await call('DetachPolicy', signal, (options) => isThere(client.send(detach, options)))
    },

    /** False where AWS still sees something attached, or an ACTIVE certificate. */
    async remove(certificateId: string, signal: AbortSignal): Promise<boolean> {
      return await call('DeleteCertificate', signal, async (options) => {
        try {
          await isThere(client.send(new DeleteCertificateCommand({ certificateId }), options))
          return true
        } catch (error) {
          if (error instanceof DeleteConflictException) return false
          if (error instanceof CertificateStateException) return false
          throw error
        }
      })
    },
  }
}

async function keyThumbprint(certificatePem: string): Promise<string> {
  const { publicKey } = new X509Certificate(certificatePem)
  return await calculateJwkThumbprint(publicKey.export({ format: 'jwk' }))
}

async function collect<Page, Item>(
  pages: AsyncIterable<Page>,
  itemsOf: (page: Page) => readonly Item[] | undefined,
): Promise<Item[]> {
  const items: Item[] = []
  for await (const page of pages) items.push(...(itemsOf(page) ?? []))
  return items
}

async function orUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined
    throw error
  }
}

async function isThere(call: Promise<unknown>): Promise<boolean> {
  return (await orUndefined(call.then(() => true))) ?? false
}

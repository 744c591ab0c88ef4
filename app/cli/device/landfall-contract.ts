import type { JSONWebKeySet } from 'jose'
import type { Answer, DeviceContract, DeviceRequest } from './contract.ts'
import type { DeliveryCurve } from './delivery-curves.ts'
import { type DeliveryKey, makeDeliveryKey } from './delivery-key.ts'
import { type Edge, openEdge } from './edge-client.ts'
import { createIssueTimes, type IssueTime } from './issue-time.ts'
import { type LandfallSuccess, readLandfallAnswer } from './landfall-answer.ts'
import { csrDer, forgeRequest, type RequestSigner, signRequest } from './landfall-request.ts'
import { createRouterTrust } from './router-trust.ts'

export type LandfallOptions = {
  readonly edge: Edge
  readonly signer: RequestSigner
  /** The deployment, letter for letter. */
  readonly audience: string
  /** Of the key that one made by AWS IoT is encrypted to. */
  readonly deliveryCurve: DeliveryCurve
  /** False: every request has a nonce in place of a time. */
  readonly hasClock: boolean
  /** The router's public keys as the device's factory knew them; undefined: those of `/v1/jwks`. */
  readonly routerKeys?: JSONWebKeySet
}

/**
 * Asks as docs/landfall-contract.md describes. Once the edge called a request stale, every further one
 * has a nonce. Throws CommandFailure where the receipt isn't the router's.
 */
export function landfallContract(options: LandfallOptions): DeviceContract {
  const { edge, audience } = options
  const client = openEdge(edge)
  const beside = (name: string) => new URL(name, edge.url).href
  const times = createIssueTimes(client, beside('nonce'), options.hasClock)
  const trust = createRouterTrust(client, beside('jwks'), options.routerKeys)
  return {
    url: edge.url,
    path: '/v1/provision',
    async ask(request, signal) {
      const { thing, csrPem } = request
      // Before the identity is made, so that an answer never has to be thrown away for want of keys.
      const untrusted = await trust.prepare(signal)
      if (untrusted !== undefined) return untrusted
      const time = await times.next(signal)
      if ('kind' in time) return time
      const deliveryKey =
        csrPem === undefined ? await makeDeliveryKey(options.deliveryCurve) : undefined
      const dated = { ...time, aud: audience }
      const text = await signedText(request, deliveryKey, dated, options.signer)
      const sent = { type: 'application/jose', text }
      const answer = await client.send({ url: edge.url, method: 'POST' }, signal, sent)
      if ('kind' in answer) return answer
      const read = readLandfallAnswer(answer)
      if (read.kind === 'stale') times.distrustClock(read.nonce)
      if (read.kind !== 'success') return read
      await trust.verify(read.success, { thing, audience }, signal)
      return await provisioned(read.success, deliveryKey)
    },
    close: client.close,
  }
}

async function signedText(
  { thing, csrPem, fake }: DeviceRequest,
  deliveryKey: DeliveryKey | undefined,
  dated: IssueTime & { readonly aud: string },
  signer: RequestSigner,
): Promise<string> {
  const payload = {
    sub: thing,
    ...dated,
    ...(csrPem === undefined ? {} : { csr: csrDer(csrPem) }),
    ...(deliveryKey === undefined ? {} : { jwk: deliveryKey.publicJwk }),
  }
  const jws = await signRequest(payload, signer)
  return fake ? forgeRequest(jws, payload) : jws
}

async function provisioned(
  success: LandfallSuccess,
  deliveryKey: DeliveryKey | undefined,
): Promise<Answer> {
  const { region, endpointAddress, certificatePem, distanceKm, reason, receipt } = success
  const given = { region, endpointAddress, certificatePem, reason, receipt }
  const answer = {
    kind: 'provisioned' as const,
    ...given,
    ...(distanceKm === undefined ? {} : { distanceKm }),
  }
  if (deliveryKey === undefined) return answer
  const unusable = (why: string): Answer => ({ kind: 'unreadable', status: 200, why })
  if (success.privateKeyJwe === undefined) {
    return unusable('privateKeyJwe is missing, and no CSR was sent')
  }
  const privateKeyPem = await deliveryKey.decrypt(success.privateKeyJwe).catch(() => undefined)
  if (privateKeyPem === undefined) return unusable('privateKeyJwe is not for this device’s jwk')
  return { ...answer, privateKeyPem }
}

import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import type { DeliveryCurve } from '../../app/cli/device/delivery-curves.ts'
import { csrDer, type RequestSigner, signRequest } from '../../app/cli/device/landfall-request.ts'
import { makeCsrPem, makeKeyPem } from '../../app/cli/device/own-key.ts'
import { certificateId } from '../../app/cli/device/report.ts'
import { deliveryJwk, encryptKey } from '../../app/request/delivery-key.ts'
import { signReceipt } from '../../app/request/router-keys.ts'
import { certifyKey } from '../certify-key.ts'
import { type Deployment, issuedAt, now } from './deployment.ts'
import type { Vector } from './vector.ts'

export type Exchange = {
  readonly title: string
  readonly thingName: string
  readonly signingKey: Vector['signingKey']
  readonly signer: RequestSigner
  readonly trust: Vector['trust']
  /** Default: by `iat`. */
  readonly nonce?: string
  /** Has AWS IoT make the key. Default: the device has its own, and a CSR of it. */
  readonly deliveryCurve?: DeliveryCurve
}

/** A device asks, and the edge answers, as their own code does. */
export async function makeExchange(deployment: Deployment, it: Exchange): Promise<Vector> {
  const { audience, router } = deployment
  const { thingName, deliveryCurve } = it
  const own = deliveryCurve === undefined ? await makeOwnKey(thingName) : undefined
  const delivery = deliveryCurve === undefined ? undefined : await makeDelivery(deliveryCurve)
  const made = makeServerKey()
  const compact = await signRequest(
    {
      sub: thingName,
      aud: audience,
      ...(it.nonce === undefined ? { iat: issuedAt } : { nonce: it.nonce }),
      ...(own === undefined ? {} : { csr: csrDer(own.csrPem) }),
      ...(delivery === undefined ? {} : { jwk: delivery.publicJwk }),
    },
    it.signer,
  )
  const deviceKey =
    own === undefined ? made.key : createPublicKey(createPrivateKey(own.deviceKeyPem))
  const certificatePem = `${(await certifyKey(deviceKey)).toString('pem')}\n`
  const placed = {
    region: 'eu-west-1',
    endpointAddress: 'a1b2c3d4e5f6g7-ats.iot.eu-west-1.amazonaws.com',
    certificateId: certificateId(certificatePem),
    reason: 'nearest: 2 km, before eu-central-1 1087 km, us-east-1 5463 km',
  }
  const receipt = await signReceipt(router, {
    iss: audience,
    sub: thingName,
    iat: now,
    ...placed,
    product: 'default',
    policyVersion: 3,
  })
  const jwe = delivery && (await encryptKey(made.pem, deliveryJwk.parse(delivery.publicJwk)))
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...half } = it.signingKey
  return {
    title: it.title,
    audience,
    thingName,
    now,
    trust: it.trust,
    signingKey: it.signingKey,
    thumbprint: await calculateJwkThumbprint(half),
    ...(own ?? {}),
    ...(delivery === undefined ? {} : { deliveryKey: delivery.privateJwk }),
    request: { ...partsOf(compact), flattened: flatten(compact) },
    answer: {
      thingName,
      ...placed,
      port: 8883,
      certificatePem,
      ...(jwe === undefined ? {} : { privateKeyJwe: jwe }),
      distanceKm: 2.04,
      receipt,
    },
    receipt: partsOf(receipt),
    ...(jwe === undefined
      ? {}
      : { delivered: { headerText: textOf(jwe.split('.')[0]), plaintext: made.pem } }),
  }
}

/** A key like those that AWS IoT makes. */
function makeServerKey() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { key: publicKey, pem: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString() }
}

async function makeOwnKey(thingName: string) {
  const deviceKeyPem = makeKeyPem('ec')
  return { deviceKeyPem, csrPem: await makeCsrPem(thingName, deviceKeyPem) }
}

async function makeDelivery(curve: DeliveryCurve) {
  const pair = await generateKeyPair('ECDH-ES+A256KW', { crv: curve, extractable: true })
  const privateJwk = withType(await exportJWK(pair.privateKey))
  return { publicJwk: await exportJWK(pair.publicKey), privateJwk }
}

function withType({ kty = '', ...members }: JWK) {
  return { kty, ...members }
}

function partsOf(compact: string): Vector['receipt'] {
  const [header = '', payload = '', signature = ''] = compact.split('.')
  return {
    headerText: textOf(header),
    payloadText: textOf(payload),
    signingInput: `${header}.${payload}`,
    signature,
    compact,
  }
}

function flatten(compact: string): Vector['request']['flattened'] {
  const [header = '', payload = '', signature = ''] = compact.split('.')
  return { protected: header, payload, signature }
}

function textOf(part = ''): string {
  return Buffer.from(part, 'base64url').toString('utf8')
}

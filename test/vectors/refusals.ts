import { createHmac, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { CompactSign, generateKeyPair } from 'jose'
import type * as z from 'zod'
import { signReceipt } from '../../app/request/router-keys.ts'
import { type Deployment, importPrivate, issuedAt, now } from './deployment.ts'
import type { refusalsSchema, Vector } from './vector.ts'

type Refusals = z.infer<typeof refusalsSchema>

/** Variations of one exchange by a device's own ES256 key, each with one thing wrong. */
export async function makeRefusals(deployment: Deployment, good: Vector): Promise<Refusals> {
  const key = importPrivate(good.signingKey)
  const header = JSON.parse(good.request.headerText)
  const payload = JSON.parse(good.request.payloadText)
  const { csr, ...withoutCsr } = payload
  const { iat: _iat, ...undated } = payload
  const jwk = { kty: 'EC', crv: 'P-256', x: good.signingKey.x, y: good.signingKey.y }
  const pem = createPublicKey(key).export({ type: 'spki', format: 'pem' })
  const signed = (claims: unknown, head: object = header) =>
    join(head, claims, (input) => sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' }))
  const stranger = (await generateKeyPair('ES256', { extractable: true })).privateKey
  const [head = '', body = '', signature = ''] = good.request.compact.split('.')
  const r = (name: string, compact: string, title: string) => ({ title, problem: name, compact })
  return {
    audience: good.audience,
    thingName: good.thingName,
    now,
    publicKey: jwk,
    requests: [
      r(
        'invalid-request',
        join({ alg: 'none' }, payload, () => Buffer.alloc(0)),
        'alg none',
      ),
      r(
        'invalid-request',
        join({ alg: 'HS256' }, payload, (input) =>
          createHmac('sha256', pem).update(input).digest(),
        ),
        'HMAC with the public key as its secret',
      ),
      r('invalid-request', signed(payload, { ...header, jwk }), 'a key in the header'),
      r('invalid-request', signed(payload, { ...header, crit: ['x'], x: 1 }), 'crit in the header'),
      r('invalid-request', `${head}=.${body}.${signature}`, 'base64url with padding'),
      r('invalid-request', signed(undated), 'neither iat nor nonce'),
      r('invalid-request', signed(withoutCsr), 'neither csr nor jwk'),
      r('invalid-request', signed({ ...payload, jwk }), 'both csr and jwk'),
      r('invalid-request', signed({ ...payload, sub: 'lamp 1' }), 'sub is no thing name'),
      r('invalid-request', signed({ ...payload, iat: String(issuedAt) }), 'iat is a string'),
      r('wrong-audience', signed({ ...payload, aud: `${good.audience}/` }), 'another deployment'),
      r('stale-request', signed({ ...payload, iat: now - 301 }), 'iat is 301 s old'),
      r('stale-request', signed({ ...payload, iat: now + 61 }), 'iat is 61 s ahead'),
      r('stale-request', signed({ ...undated, nonce: 'AAAA' }), 'a nonce of somebody else'),
      r(
        'not-authorized',
        join(header, payload, (input) => sign('sha256', input, { key, dsaEncoding: 'der' })),
        'an ECDSA signature in DER, as openssl makes it',
      ),
      r(
        'not-authorized',
        await new CompactSign(encode(payload)).setProtectedHeader(header).sign(stranger),
        'signed by another key',
      ),
      r(
        'not-authorized',
        `${head}.${base64url({ ...payload, sub: 'lamp-2' })}.${signature}`,
        'another name under the signature',
      ),
      r('invalid-csr', signed({ ...payload, csr: csr.slice(0, -8) }), 'a CSR that was cut'),
      r('invalid-csr', signed({ ...payload, sub: 'lamp-2' }), 'a CSR with another CN than sub'),
    ],
    answer: good.answer,
    receipts: await makeBadReceipts(deployment, good),
  }
}

async function makeBadReceipts({ router, audience }: Deployment, good: Vector) {
  const [head = '', body = '', signature = ''] = good.receipt.compact.split('.')
  const claims = JSON.parse(good.receipt.payloadText)
  const header = JSON.parse(good.receipt.headerText)
  const { key } = router.signing
  const signed = (changed: object, changedHeader: object = header) =>
    join({ ...header, ...changedHeader }, { ...claims, ...changed }, (input) =>
      sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' }),
    )
  const stranger = createPrivateKey(good.deviceKeyPem ?? '')
  return [
    { title: 'alg none', receipt: `${base64url({ ...header, alg: 'none' })}.${body}.` },
    {
      title: 'another region under the signature',
      receipt: `${head}.${base64url({ ...claims, region: 'us-east-1' })}.${signature}`,
    },
    {
      title: 'signed by another key under the router’s kid',
      receipt: join(header, claims, (input) =>
        sign('sha256', input, { key: stranger, dsaEncoding: 'ieee-p1363' }),
      ),
    },
    {
      title: 'an ECDSA signature in DER',
      receipt: join(header, claims, (input) => sign('sha256', input, { key, dsaEncoding: 'der' })),
    },
    { title: 'of another device', receipt: signed({ sub: 'lamp-2' }) },
    { title: 'of another deployment', receipt: signed({ iss: `${audience}/` }) },
    { title: 'for another certificate', receipt: signed({ certificateId: '0'.repeat(64) }) },
    { title: 'for another endpoint', receipt: signed({ endpointAddress: '203.0.113.1' }) },
    { title: 'a kid that the router does not publish', receipt: signed({}, { kid: 'another' }) },
    { title: 'typ is not landfall-receipt+jwt', receipt: signed({}, { typ: 'JWT' }) },
    {
      title: 'valid, but of an earlier answer',
      receipt: await signReceipt(router, {
        ...claims,
        certificateId: 'f'.repeat(64),
        iat: now - 9,
      }),
    },
  ]
}

function join(header: unknown, payload: unknown, signer: (input: Buffer) => Buffer): string {
  const input = `${base64url(header)}.${base64url(payload)}`
  return `${input}.${signer(Buffer.from(input)).toString('base64url')}`
}

function base64url(value: unknown): string {
  return Buffer.from(encode(value)).toString('base64url')
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

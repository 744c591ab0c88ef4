import type { KeyObject } from 'node:crypto'
import { randomUUID } from 'node:crypto'
import { CompactSign, type JWK } from 'jose'
import type { SignatureAlgorithm } from '../../request/signing-jwk.ts'

/** What a device signs its requests with (docs/landfall-contract.md, "Who may sign"). */
export type RequestSigner = {
  readonly key: KeyObject
  readonly algorithm: SignatureAlgorithm
  /** Left out where `x5c` says who signs. */
  readonly kid?: string
  /** The device's certificate and its issuers, standard base64 of DER. */
  readonly x5c?: readonly string[]
}

export type LandfallPayload = {
  readonly sub: string
  readonly aud: string
  readonly iat?: number
  readonly nonce?: string
  /** DER, base64url. */
  readonly csr?: string
  readonly jwk?: JWK
}

/** The body of `POST /v1/provision`: a compact JWS over the payload. */
export async function signRequest(
  payload: LandfallPayload,
  { key, algorithm, kid, x5c }: RequestSigner,
): Promise<string> {
  return await new CompactSign(encode(payload))
    .setProtectedHeader({
      alg: algorithm,
      ...(kid === undefined ? {} : { kid }),
      ...(x5c === undefined ? {} : { x5c: [...x5c] }),
    })
    .sign(key)
}

/** The same request in another thing's name, under the signature that it had: the edge must refuse it. */
export function forgeRequest(jws: string, payload: LandfallPayload): string {
  const [header = '', , signature = ''] = jws.split('.')
  const forged = Buffer.from(encode({ ...payload, sub: randomUUID() })).toString('base64url')
  return `${header}.${forged}.${signature}`
}

/** A PEM CSR as the contract wants it. */
export function csrDer(csrPem: string): string {
  const base64 = csrPem.replaceAll(/-----(BEGIN|END) [A-Z ]+-----|\s/g, '')
  return Buffer.from(base64, 'base64').toString('base64url')
}

function encode(payload: LandfallPayload): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(payload))
}

import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { FlattenedSign } from 'jose'
import { type SigningJwk, signingJwk } from '../app/request/signing-jwk.ts'
import type { EdgeProcess } from './stage.ts'

export const audience = 'https://landfall.test'

export type Jws = { protected: string; payload: string; signature: string }

/** A signer's or a device's key pair: P-256, unless another is wanted. */
/** `bits`: of an RSA key. */
export function makeSigningKey(
  kind: 'P-256' | 'P-384' | 'Ed25519' | 'RSA' = 'P-256',
  bits = 2048,
): {
  key: KeyObject
  jwk: SigningJwk
} {
  const pair =
    kind === 'Ed25519'
      ? generateKeyPairSync('ed25519')
      : kind === 'RSA'
        ? generateKeyPairSync('rsa', { modulusLength: bits })
        : generateKeyPairSync('ec', { namedCurve: kind })
  const jwk = signingJwk.parse(pair.publicKey.export({ format: 'jwk' }))
  return { key: pair.privateKey, jwk }
}

/** Seconds since 1970, with milliseconds, so that two requests in a row aren't of the same time. */
export const seconds = (): number => Date.now() / 1000

/** A CSR (PEM) as the contract has it: DER in base64url. */
export function csrMember(pem: string): string {
  return Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64').toString('base64url')
}

/** A signed request; `iat` and `aud` are filled in, everything may be overridden or taken out. */
export async function signRequest(
  key: KeyObject,
  payload: Record<string, unknown>,
  header: Record<string, unknown> & { alg?: string } = {},
): Promise<Jws> {
  const claims = { aud: audience, iat: seconds(), ...payload }
  const jws = await new FlattenedSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'ES256', ...header })
    .sign(key)
  return { protected: jws.protected ?? '', payload: jws.payload, signature: jws.signature }
}

export const compact = (jws: Jws) => `${jws.protected}.${jws.payload}.${jws.signature}`

export type LandfallAnswer = {
  status: number
  type: string | undefined
  nonce: string | null
  retryAfter: string | null
  headers: Headers
  body: Record<string, unknown>
}

/** Sends a body to `POST /v1/provision`; `type` is the problem's name. */
export async function postLandfall(
  edge: Pick<EdgeProcess, 'url'>,
  body: string | Jws,
  options: { address?: string; contentType?: string } = {},
): Promise<LandfallAnswer> {
  const text = typeof body === 'string' ? body : compact(body)
  const answer = await fetch(`${edge.url}/v1/provision`, {
    method: 'POST',
    headers: {
      'Content-Type': options.contentType ?? 'application/jose',
      'X-Forwarded-For': options.address ?? '134.226.1.1',
    },
    body: text,
  })
  const members = (await answer.json()) as Record<string, unknown>
  return {
    status: answer.status,
    type: typeof members.type === 'string' ? members.type.replace('/problems/', '') : undefined,
    nonce: answer.headers.get('Replay-Nonce'),
    retryAfter: answer.headers.get('Retry-After'),
    headers: answer.headers,
    body: members,
  }
}

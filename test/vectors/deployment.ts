import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { makeKey } from '../../app/cli/keys/private-jwks.ts'
import { parseRouterKeys } from '../../app/request/router-keys.ts'

/** 2026-11-25T00:00:00Z, when the requests of the vectors are signed; they arrive ten seconds later. */
export const issuedAt = 1_795_564_800
export const now = issuedAt + 10

/** The deployment of the test vectors: its name and its router's keys. */
export async function makeDeployment() {
  const audience = 'https://devices.example.com'
  const routerJwks = { keys: [await makeKey('ES256')] }
  return {
    audience,
    routerJwks,
    router: await parseRouterKeys(JSON.stringify(routerJwks), audience),
  }
}

export type Deployment = Awaited<ReturnType<typeof makeDeployment>>

export function importPrivate(jwk: JsonWebKey): KeyObject {
  return createPrivateKey({ key: jwk, format: 'jwk' })
}

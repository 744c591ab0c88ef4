// `node test/vectors/make.ts` makes every JSON file of this folder anew, with new keys: ECDSA, RSA-PSS and
// JWE are random, so no run gives the same as the one before. vectors.test.ts checks what it made.
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { makeKey, type PrivateJwk, publicHalf } from '../../app/cli/keys/private-jwks.ts'
import { issueNonce } from '../../app/request/nonce.ts'
import type { SignatureAlgorithm } from '../../app/request/signing-jwk.ts'
import { certifyDevice, factoryCa, makeAuthority, x5c } from '../factory.ts'
import { importPrivate, issuedAt, makeDeployment } from './deployment.ts'
import { type Exchange, makeExchange } from './exchange.ts'
import { makeRefusals } from './refusals.ts'

const deployment = await makeDeployment()

async function write(name: string, content: unknown): Promise<void> {
  await writeFile(new URL(name, import.meta.url), `${JSON.stringify(content, null, 2)}\n`)
}

/** A device that signs with a key of its own. */
async function ownKey(
  algorithm: SignatureAlgorithm,
  more: Partial<Exchange> = {},
): Promise<Exchange> {
  const signingKey = await makeKey(algorithm === 'EdDSA' ? 'Ed25519' : algorithm)
  return {
    title: `${algorithm} by the device's own key`,
    thingName: 'lamp-1',
    signingKey,
    signer: { key: importPrivate(signingKey), algorithm },
    trust: { publicKey: bare(signingKey) },
    ...more,
  }
}

async function productSigner(): Promise<Exchange> {
  const signingKey = await makeKey('ES256')
  const kid = 'lamps-2026'
  return {
    title: 'ES256 by a signer of the product, which kid names',
    thingName: 'lamp-1',
    signingKey,
    signer: { key: importPrivate(signingKey), algorithm: 'ES256', kid },
    trust: { signer: { kid, jwk: bare(signingKey) } },
  }
}

const validity = { from: -300, until: 8000 }

/** Root, then a line's authority, then the device; the root is the product's, and isn't sent. */
async function factory(commonName: string, title: string, uris: string[] = []): Promise<Exchange> {
  const root = await makeAuthority('Factory', { ...validity, pathLength: 1 })
  const line = await makeAuthority('Factory, line 7', { ...validity, pathLength: 0, by: root })
  const leaf = await certifyDevice(line, commonName, { ...validity, uris })
  const { kty = '', ...key } = leaf.signingKey.export({ format: 'jwk' })
  return {
    title,
    thingName: 'lamp-1',
    signingKey: { kty, ...key },
    signer: { key: leaf.signingKey, algorithm: 'ES256', x5c: x5c(leaf, line) },
    trust: { factoryCaPem: `${factoryCa('factory', root).certificatePem}\n` },
  }
}

/** What makes the key; an RSA key's `alg` says more, and stays. */
function bare(key: PrivateJwk) {
  const { kty, kid: _kid, use: _use, alg, ...members } = publicHalf(key)
  return { kty, ...members, ...(kty === 'RSA' && alg !== undefined ? { alg } : {}) }
}

const [nonceKey = Buffer.alloc(0)] = deployment.router.nonceKeys
const nonce = issueNonce(nonceKey, issuedAt * 1000, randomBytes(8))
const exchanges: Record<string, Exchange> = {
  es256: await ownKey('ES256'),
  es384: await ownKey('ES384'),
  ed25519: await ownKey('Ed25519'),
  eddsa: await ownKey('EdDSA', { title: 'EdDSA, the older name of Ed25519, by its own key' }),
  ps256: await ownKey('PS256'),
  rs256: await ownKey('RS256'),
  signer: await productSigner(),
  nonce: await ownKey('ES256', { title: 'ES256, dated by a nonce', nonce }),
  x5c: await factory('lamp-1', 'ES256 by a factory certificate, whose CN is the thing name'),
  'x5c-uri': await factory(
    'serial 0001',
    'ES256 by a factory certificate, whose SAN URI has the thing name',
    ['urn:landfall:thing:lamp-1'],
  ),
  'jwk-p256': await ownKey('ES256', {
    title: 'a key that AWS IoT made, encrypted to P-256',
    deliveryCurve: 'P-256',
  }),
  'jwk-x25519': await ownKey('ES256', {
    title: 'a key that AWS IoT made, encrypted to X25519',
    deliveryCurve: 'X25519',
  }),
}

for (const [name, exchange] of Object.entries(exchanges)) {
  const vector = await makeExchange(deployment, exchange)
  await write(`exchange-${name}.json`, vector)
  if (name === 'es256') await write('refused.json', await makeRefusals(deployment, vector))
}
await write('router.keys.json', deployment.routerJwks)
await write('router.jwks.json', deployment.router.publicJwks)

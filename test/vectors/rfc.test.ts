import { createPrivateKey, createPublicKey, type JsonWebKey, sign } from 'node:crypto'
import { CompactSign, calculateJwkThumbprint, compactDecrypt } from 'jose'
import { describe, expect, it } from 'vitest'
import { makeDeliveryKey } from '../../app/cli/device/delivery-key.ts'
import { parseKeyFile } from '../../app/cli/keys/key-file.ts'
import { deliveryJwk, encryptKey } from '../../app/request/delivery-key.ts'
import type { LandfallRequest } from '../../app/request/landfall-request.ts'
import { bareKey, signatureAlgorithms, signingJwk } from '../../app/request/signing-jwk.ts'
import { isSignedByItsOwn } from '../../app/request/verify-request.ts'
import { agree, concatKdf, decryptJwe, thumbprint, verifies } from './independent.ts'
import * as rfc from './rfc-values.ts'

const nobody = { signers: [], factoryCas: [] }

/** Whether the edge takes this JWS for the device whose own key this is; the payload isn't looked at. */
async function isTaken(compact: string, publicKey: JsonWebKey): Promise<boolean> {
  const [header = '', payload = '', signature = ''] = compact.split('.')
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'))
  const algorithm = signatureAlgorithms.find((it) => it === alg)
  const { data } = signingJwk.safeParse(publicKey)
  if (algorithm === undefined || data === undefined) return false
  const request: LandfallRequest = {
    jws: { protected: header, payload, signature },
    algorithm,
    kid: undefined,
    chain: undefined,
    thingName: 'rfc',
    audience: 'rfc',
    iat: 0,
    nonce: undefined,
    csr: undefined,
    deliveryKey: undefined,
  }
  return await isSignedByItsOwn(request, nobody, { product: 'rfc', publicKey: data }, 0)
}

/** Another signature of the same length. */
function flipped(compact: string): string {
  const at = compact.lastIndexOf('.') + 3
  return `${compact.slice(0, at)}${compact[at] === 'A' ? 'B' : 'A'}${compact.slice(at + 1)}`
}

describe('JWS', () => {
  it.each(rfc.signatures)('$name verifies, and no other signature in its place', async (vector) => {
    const { compact, key, algorithm } = vector
    expect(verifies(compact, key, algorithm)).toBe(true)
    expect(verifies(flipped(compact), key, algorithm)).toBe(false)
    expect(await isTaken(compact, key)).toBe(true)
    expect(await isTaken(flipped(compact), key)).toBe(false)
  })

  it.each(rfc.foreignSignatures)('$name is right, and no request: $algorithm', async (vector) => {
    expect(verifies(vector.compact, vector.key, vector.algorithm)).toBe(true)
    expect(await isTaken(vector.compact, vector.key)).toBe(false)
  })

  it('RFC 7515 appendix A.5: an unsecured one is no request', async () => {
    expect(await isTaken(rfc.unsecured, rfc.es256.key)).toBe(false)
  })

  it('RFC 8037 appendix A.4: Ed25519 makes exactly this signature', async () => {
    const { key, compact } = rfc.ed25519
    const [header = '', payload = '', signature = ''] = compact.split('.')
    const privateKey = createPrivateKey({ key: { ...key, d: rfc.ed25519Private }, format: 'jwk' })
    const input = Buffer.from(`${header}.${payload}`)
    expect(sign(null, input, privateKey).toString('base64url')).toBe(signature)
    const signed = await new CompactSign(Buffer.from(payload, 'base64url'))
      .setProtectedHeader({ alg: 'EdDSA' })
      .sign(privateKey)
    expect(signed).toBe(compact)
  })
})

describe('thumbprints', () => {
  it.each(rfc.thumbprints)('$name', async ({ key, value }) => {
    expect(thumbprint(key)).toBe(value)
    expect(await calculateJwkThumbprint(bareKey(signingJwk.parse(key)))).toBe(value)
    const pem = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
    expect((await parseKeyFile(pem.toString(), 'rfc')).keys[0].kid).toBe(value)
  })
})

describe('key agreement', () => {
  it('RFC 7518 appendix C: ECDH-ES over P-256 and Concat KDF', () => {
    const { alice, bob, apu, apv, algorithm, derived } = rfc.ecdhEs
    const { d: _alice, ...alicePublic } = alice
    const { d: _bob, ...bobPublic } = bob
    const secret = agree(bob, alicePublic)
    expect(secret).toEqual(agree(alice, bobPublic))
    expect(concatKdf(secret, algorithm, 128, { apu, apv }).toString('base64url')).toBe(derived)
  })

  it('RFC 8037 appendix A.6: X25519', () => {
    const { ephemeral, bob, secret } = rfc.x25519
    expect(agree(ephemeral, bob).toString('hex')).toBe(secret)
  })

  it('RFC 7520 section 5.4: ECDH-ES+A128KW and A128GCM', async () => {
    const { key, compact, plaintext } = rfc.jwe
    expect(decryptJwe(compact, key)).toBe(plaintext)
    const { plaintext: ours } = await compactDecrypt(compact, key)
    expect(new TextDecoder().decode(ours)).toBe(plaintext)
    // It is no JWE of this contract: the device takes ECDH-ES+A256KW and A256GCM only.
    await expect((await makeDeliveryKey('P-256')).decrypt(compact)).rejects.toThrow()
  })

  it.each([
    ['RFC 7518 appendix C', rfc.ecdhEs.bob],
    ['RFC 8037 appendix A.6', rfc.x25519.ephemeral],
  ])(
    'what the router encrypts to the key of %s, node:crypto alone decrypts',
    async (_name, key) => {
      const { d: _d, ...publicJwk } = key
      const jwe = await encryptKey('a key', deliveryJwk.parse(publicJwk))
      expect(decryptJwe(jwe, key)).toBe('a key')
      expect(
        JSON.parse(Buffer.from(jwe.split('.')[0] ?? '', 'base64url').toString()),
      ).toMatchObject({
        alg: 'ECDH-ES+A256KW',
        enc: 'A256GCM',
        kid: thumbprint(publicJwk),
      })
    },
  )
})

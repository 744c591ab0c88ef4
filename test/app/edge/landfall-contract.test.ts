import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { compactDecrypt, compactVerify, createLocalJWKSet, exportJWK, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../device-key.ts'
import { standingCertificates } from '../../identities.ts'
import {
  audience,
  csrMember,
  makeSigningKey,
  postLandfall,
  seconds,
  signRequest,
} from '../../landfall-request.ts'
import { addresses, type EdgeProcess, type Stage, setStage, signedRequest } from '../../stage.ts'

let stage: Stage
let edge: EdgeProcess
const fleet = makeSigningKey()
const kinds = { ES256: 'P-256', ES384: 'P-384', Ed25519: 'Ed25519', PS256: 'RSA' } as const

beforeAll(async () => {
  stage = await setStage()
  await stage.changeProduct({
    signers: [{ kid: 'fleet-2026', contracts: ['landfall'], jwk: fleet.jwk }],
    reprovisioning: { rule: 'replace', redeliverSeconds: 0 },
  })
  edge = await stage.startEdge()
})
afterAll(() => stage?.close())

/** A device with a key of its own in the allow-list, and its CSR. */
async function ownDevice(thingName: string, kind: keyof typeof kinds = 'ES256') {
  const { key, jwk } = makeSigningKey(kinds[kind])
  await stage.allowDevice(thingName, { publicKey: jwk })
  const device = await makeDeviceKey(thingName)
  return { sub: thingName, key, csr: csrMember(device.csr), deviceKey: device.key }
}

describe('a device of the Landfall contract', () => {
  it.each(Object.keys(kinds) as (keyof typeof kinds)[])(
    'is provisioned by its own key with %s, compact or flattened',
    async (alg) => {
      const { sub, key, csr, deviceKey } = await ownDevice(`own-${alg}`, alg)
      const first = await postLandfall(edge, await signRequest(key, { sub, csr }, { alg }))
      expect(first.body).toMatchObject({ thingName: sub, region: 'eu-west-1', port: 8883 })
      expect(first.status).toBe(200)
      const certificate = new X509Certificate(String(first.body.certificatePem))
      expect(certificate.checkPrivateKey(createPrivateKey(deviceKey))).toBe(true)
      const again = await postLandfall(
        edge,
        JSON.stringify(await signRequest(key, { sub, csr }, { alg })),
        { contentType: 'application/jose+json; charset=utf-8', address: addresses.tokyo },
      )
      expect(again.body).toMatchObject({
        certificatePem: first.body.certificatePem,
        reason: first.body.reason,
      })
    },
  )

  it('is provisioned by a signer of its product', async () => {
    await stage.allow('by-signer')
    const { csr } = await makeDeviceKey('by-signer')
    const payload = { sub: 'by-signer', csr: csrMember(csr) }
    const answer = await postLandfall(
      edge,
      await signRequest(fleet.key, payload, { kid: 'fleet-2026' }),
      { address: addresses.newYork },
    )
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ region: 'us-east-1', distanceKm: expect.any(Number) })
    const unnamed = await postLandfall(edge, await signRequest(fleet.key, payload))
    expect(unnamed).toMatchObject({ status: 403, type: 'not-authorized' })
  })

  it('gets a receipt that the router’s public keys verify', async () => {
    const { sub, key, csr } = await ownDevice('with-receipt')
    const { body } = await postLandfall(edge, await signRequest(key, { sub, csr }))
    const jwks = await fetch(`${edge.url}/v1/jwks`)
    expect(jwks.headers.get('Content-Type')).toBe('application/jwk-set+json')
    const keys = createLocalJWKSet((await jwks.json()) as { keys: [] })
    const { payload, protectedHeader } = await compactVerify(String(body.receipt), keys)
    expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'landfall-receipt+jwt' })
    const receipt = JSON.parse(new TextDecoder().decode(payload))
    expect(receipt).toEqual({
      iss: audience,
      sub,
      iat: expect.any(Number),
      region: body.region,
      endpointAddress: body.endpointAddress,
      certificateId: body.certificateId,
      product: 'default',
      reason: body.reason,
    })
  })

  it.each([
    ['P-256', {}],
    ['X25519', { crv: 'X25519' }],
  ] as const)('gets a key that AWS IoT made, for its %s key only to read', async (name, curve) => {
    const { sub, key } = await ownDevice(`sealed-${name}`)
    const mine = await generateKeyPair('ECDH-ES+A256KW', { ...curve, extractable: true })
    const jwk = await exportJWK(mine.publicKey)
    const request = await signRequest(key, { sub, jwk })
    const { status, body } = await postLandfall(edge, request)
    expect(status).toBe(200)
    const { plaintext, protectedHeader } = await compactDecrypt(
      String(body.privateKeyJwe),
      mine.privateKey,
    )
    expect(protectedHeader).toMatchObject({ alg: 'ECDH-ES+A256KW', enc: 'A256GCM' })
    const pem = new TextDecoder().decode(plaintext)
    const certificate = new X509Certificate(String(body.certificatePem))
    expect(createPublicKey(pem).equals(certificate.publicKey)).toBe(true)
    expect(JSON.stringify(body)).not.toContain('PRIVATE KEY')

    const replayed = await postLandfall(edge, request)
    expect(replayed).toMatchObject({ status: 400, type: 'stale-request' })
    expect(replayed.body).not.toHaveProperty('privateKeyJwe')
    expect((await stage.row(sub))?.certificateId).toBe(body.certificateId)
    const anew = await postLandfall(edge, await signRequest(key, { sub, jwk }))
    expect(anew.body.certificateId).not.toBe(body.certificateId)
    const mineNow = (await standingCertificates(stage)).filter(
      (it) => it.things.includes(sub) && it.active,
    )
    expect(mineNow.map((it) => it.certificateId)).toEqual([anew.body.certificateId])
  })

  it('without a clock asks for a nonce, or takes the one of its refusal', async () => {
    const { sub, key, csr } = await ownDevice('no-clock')
    const late = await postLandfall(edge, await signRequest(key, { sub, csr, iat: 12_345 }))
    expect(late).toMatchObject({ status: 400, type: 'stale-request' })
    const withIt = { sub, csr, iat: 12_345, nonce: late.nonce }
    expect((await postLandfall(edge, await signRequest(key, withIt))).status).toBe(200)
    const given = await fetch(`${edge.url}/v1/nonce`)
    expect(given.status).toBe(204)
    const nonce = given.headers.get('Replay-Nonce')
    const { iat: _, ...undated } = { iat: undefined, sub, csr, nonce }
    expect((await postLandfall(edge, await signRequest(key, undated))).status).toBe(200)
  })

  it('keeps its key to itself: no signer of its product signs for it, under no contract', async () => {
    const { sub, csr } = await ownDevice('alone')
    const header = { kid: 'fleet-2026' }
    const answer = await postLandfall(edge, await signRequest(fleet.key, { sub, csr }, header))
    expect(answer).toMatchObject({ status: 403, type: 'not-authorized' })
    const seed = await edge.post(signedRequest(stage, sub))
    expect(seed).toMatchObject({ status: 401, body: { message: 'wrong sig' } })
    expect((await stage.row(sub))?.status).toBe('unprovisioned')
  })

  it('loses to a later request, and to none that was issued before', async () => {
    const { sub, key, csr } = await ownDevice('in-order')
    const other = csrMember((await makeDeviceKey(sub)).csr)
    const now = seconds()
    const earlier = await signRequest(key, { sub, csr: other, iat: now - 20 })
    const first = await postLandfall(edge, await signRequest(key, { sub, csr, iat: now - 10 }))
    expect(await postLandfall(edge, earlier)).toMatchObject({ type: 'stale-request' })
    const later = await postLandfall(
      edge,
      await signRequest(key, { sub, csr: other, iat: now - 5 }),
    )
    expect(later.body.certificateId).not.toBe(first.body.certificateId)
    expect((await stage.row(sub))?.lastIat).toBe(Math.floor((now - 5) * 1000))
  })
})

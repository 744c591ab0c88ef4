import { createPublicKey, type KeyObject } from 'node:crypto'
import { flattenedVerify } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { decoyFor } from '../../../app/request/decoy-keys.ts'
import {
  type LandfallRequest,
  parseLandfallRequest,
} from '../../../app/request/landfall-request.ts'
import type { TrustedSigner } from '../../../app/request/seed-request.ts'
import {
  algorithmsOf,
  bareKey,
  type SigningJwk,
  signingJwk,
} from '../../../app/request/signing-jwk.ts'
import { isSignedByItsOwn, type KnownDevice } from '../../../app/request/verify-request.ts'
import { type Certified, certifyDevice, makeAuthority, trustedCa, x5c } from '../../factory.ts'
import { compact, makeSigningKey, signRequest } from '../../landfall-request.ts'

const now = Date.now()
const day = 86_400_000
const at = (offset: number) => new Date(now + offset).toISOString()

const own = makeSigningKey()
const line = makeSigningKey()
const other = makeSigningKey()
const rsa = makeSigningKey('RSA')

type Header = Record<string, unknown> & { alg?: string }

async function signed(key: KeyObject, header: Header = {}, csr = 'MIIB'): Promise<LandfallRequest> {
  const jws = await signRequest(key, { sub: 'lamp-1', csr }, header)
  return parseLandfallRequest(compact(jws), false)
}

function signer(jwk: SigningJwk, change: Partial<TrustedSigner> = {}): TrustedSigner {
  return {
    product: 'lamps',
    kid: 'line-1',
    jwk,
    key: createPublicKey({ key: jwk, format: 'jwk' }),
    contracts: ['landfall'],
    algorithms: algorithmsOf(jwk),
    ...change,
  }
}

const verify = (
  request: LandfallRequest,
  device: KnownDevice | undefined,
  { signers = [signer(line.jwk)], factoryCas = [] as ReturnType<typeof trustedCa>[] } = {},
) => isSignedByItsOwn(request, { signers, factoryCas }, device, now)

const lamp: KnownDevice = { product: 'lamps' }
const lampWithKey: KnownDevice = { product: 'lamps', publicKey: own.jwk }

describe('a device with a key of its own', () => {
  it('signs with it, whatever kid says', async () => {
    expect(await verify(await signed(own.key), lampWithKey)).toBe(true)
    expect(await verify(await signed(own.key, { kid: 'line-1' }), lampWithKey)).toBe(true)
    expect(await verify(await signed(own.key, { kid: 'nobody' }), lampWithKey)).toBe(true)
    expect(await verify(await signed(other.key), lampWithKey)).toBe(false)
  })

  it('has no other signer: neither its product’s nor its factory', async () => {
    const root = await makeAuthority('Root')
    const leaf = await certifyDevice(root, 'lamp-1')
    const trust = { factoryCas: [trustedCa('lamps', root)] }
    const byLine = await signed(line.key, { kid: 'line-1' })
    const byFactory = await signed(leaf.signingKey, { x5c: x5c(leaf) })
    expect(await verify(byLine, lampWithKey, trust)).toBe(false)
    expect(await verify(byFactory, lampWithKey, trust)).toBe(false)
    expect([await verify(byLine, lamp, trust), await verify(byFactory, lamp, trust)]).toEqual([
      true,
      true,
    ])
  })

  it('signs with what the key may', async () => {
    const requests = await Promise.all(['PS256', 'RS256'].map((alg) => signed(rsa.key, { alg })))
    const taken = async (publicKey: SigningJwk) =>
      await Promise.all(requests.map((it) => verify(it, { product: 'lamps', publicKey })))
    expect(await taken(rsa.jwk)).toEqual([true, true])
    expect(await taken({ ...rsa.jwk, alg: 'PS256' })).toEqual([true, false])
    expect(await taken(own.jwk)).toEqual([false, false])
  })

  it('signed every part as it came', async () => {
    const request = await signed(own.key, { kid: 'a' })
    const second = await signed(own.key, { kid: 'b' }, 'MIIC')
    expect(await verify(second, lampWithKey)).toBe(true)
    for (const part of ['protected', 'payload', 'signature'] as const) {
      const jws = { ...request.jws, [part]: second.jws[part] }
      expect(await verify({ ...request, jws }, lampWithKey)).toBe(false)
    }
  })
})

describe('a product’s signer', () => {
  it.each<[string, Partial<TrustedSigner>, boolean]>([
    ['as it is', {}, true],
    ['of another product', { product: 'doors' }, false],
    ['of another kid', { kid: 'line-2' }, false],
    ['of the seed contract only', { contracts: ['seed'] }, false],
    ['of both contracts', { contracts: ['seed', 'landfall'] }, true],
    ['that may use other algorithms', { algorithms: ['ES384', 'RS256'] }, false],
    ['that is valid today', { notBefore: at(-day), notAfter: at(day) }, true],
    ['that is valid from this moment on', { notBefore: at(0) }, true],
    ['that is valid until this moment', { notAfter: at(0) }, true],
    ['that isn’t valid yet', { notBefore: at(1) }, false],
    ['that is valid no more', { notAfter: at(-1) }, false],
  ])('%s', async (_, change, taken) => {
    const request = await signed(line.key, { kid: 'line-1' })
    expect(await verify(request, lamp, { signers: [signer(line.jwk, change)] })).toBe(taken)
  })

  it('signs with its key alone, and is named', async () => {
    expect(await verify(await signed(other.key, { kid: 'line-1' }), lamp)).toBe(false)
    expect(await verify(await signed(line.key), lamp)).toBe(false)
  })

  it('is its product’s where another has one of the same kid', async () => {
    const signers = [signer(other.jwk, { product: 'doors' }), signer(line.jwk)]
    const request = await signed(line.key, { kid: 'line-1' })
    const products = ['lamps', 'doors', 'none']
    const taken = await Promise.all(
      products.map((product) => verify(request, { product }, { signers })),
    )
    expect(taken).toEqual([true, false, false])
  })
})

describe('a factory certificate', () => {
  let root: Certified
  let leaf: Certified
  beforeAll(async () => {
    root = await makeAuthority('Root')
    leaf = await certifyDevice(root, 'lamp-1')
  })

  it('counts for a product that trusts its authority, while it does', async () => {
    const request = await signed(leaf.signingKey, { x5c: x5c(leaf, root) })
    const taken = (product: string, dates = {}) =>
      verify(request, { product }, { factoryCas: [{ ...trustedCa('lamps', root), ...dates }] })
    expect([await taken('lamps'), await taken('doors')]).toEqual([true, false])
    expect(await taken('lamps', { notAfter: at(-1) })).toBe(false)
    expect(await taken('lamps', { notBefore: at(0) })).toBe(true)
  })

  it('is of this thing name, and its own key signs', async () => {
    const factoryCas = [trustedCa('lamps', root)]
    const stolen = await signed(other.key, { x5c: x5c(leaf) })
    expect(await verify(stolen, lamp, { factoryCas })).toBe(false)
    const another = await certifyDevice(root, 'lamp-2')
    const request = await signed(another.signingKey, { x5c: x5c(another) })
    expect(await verify(request, lamp, { factoryCas })).toBe(false)
  })

  it('goes before kid, which it leaves without meaning', async () => {
    const request = await signed(line.key, { kid: 'line-1', x5c: x5c(leaf) })
    expect(await verify(request, lamp, { factoryCas: [trustedCa('lamps', root)] })).toBe(false)
  })
})

describe('a device that nobody knows', () => {
  it('is refused, whoever signs', async () => {
    for (const [key, header] of [
      [own.key, {}],
      [line.key, { kid: 'line-1' }],
    ] as const) {
      expect(await verify(await signed(key, header), undefined)).toBe(false)
    }
  })

  it.each([
    ['ES256', 'P-256', 0],
    ['ES384', 'P-384', 0],
    ['EdDSA', 'Ed25519', 0],
    ['Ed25519', 'Ed25519', 0],
    ['PS256', 'RSA', 2048],
    ['RS256', 'RSA', 3072],
    ['PS256', 'RSA', 4096],
  ] as const)('is verified under a decoy that fits %s of %s (%d bits)', async (alg, kind, bits) => {
    const request = await signed(makeSigningKey(kind, bits).key, { alg })
    const decoy = decoyFor(alg, request.jws.signature)
    expect(signingJwk.parse(decoy)).toEqual(decoy)
    expect(algorithmsOf(decoy)).toContain(alg)
    // It comes to the verification itself, not to a key that can't be used.
    await expect(flattenedVerify(request.jws, bareKey(decoy))).rejects.toMatchObject({
      code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    })
    expect(await verify(request, undefined)).toBe(false)
  })
})

it('tries no RSA key that a signature of that length can’t be of', async () => {
  for (const bits of [2048, 3072]) {
    const long = makeSigningKey('RSA', bits)
    const device = { product: 'lamps', publicKey: long.jwk }
    expect(await verify(await signed(long.key, { alg: 'PS256' }), device)).toBe(true)
    const other = makeSigningKey('RSA', bits === 2048 ? 3072 : 2048)
    expect(await verify(await signed(other.key, { alg: 'PS256' }), device)).toBe(false)
  }
})

import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { productSchema } from '../../../app/products/product.ts'

function jwkOf(modulusLength: number) {
  const { kty, n, e } = generateKeyPairSync('rsa', { modulusLength }).publicKey.export({
    format: 'jwk',
  })
  return { kty, n, e }
}
const jwk = jwkOf(2048)
const ecJwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
const signer = { kid: 'fleet', contracts: ['seed'], jwk }
const product = { name: 'lamps', signers: [signer], regionPolicy: { defaultRegion: 'eu-west-1' } }

describe('productSchema', () => {
  it('fills in nearest placement, and a refusal softened by redelivery', () => {
    expect(productSchema.parse(product)).toMatchObject({
      regionPolicy: { strategy: 'nearest' },
      reprovisioning: { rule: 'refuse', redeliverSeconds: 120 },
    })
  })

  it.each([
    ['a name with a space', { name: 'my lamps' }, 'name'],
    ['a kid twice', { signers: [signer, signer] }, 'signers'],
    ['a short key', { signers: [{ ...signer, jwk: jwkOf(1024) }] }, 'signers.0.jwk'],
    [
      'a key that is none',
      { signers: [{ ...signer, jwk: { kty: 'RSA', n: 'AQAB', e: 'AQAB' } }] },
      'signers.0.jwk',
    ],
    [
      'an algorithm that its key cannot',
      { signers: [{ ...signer, algorithms: ['ES256'] }] },
      'signers.0.algorithms',
    ],
    [
      'the seed contract for a key that is not RSA',
      { signers: [{ ...signer, jwk: ecJwk }] },
      'signers.0.contracts',
    ],
    [
      'a day without a time',
      { signers: [{ ...signer, notAfter: '2026-06-01' }] },
      'signers.0.notAfter',
    ],
    [
      'a factory authority that is no certificate',
      { factoryCas: [{ name: 'f', certificatePem: 'no' }] },
      'factoryCas.0.certificatePem',
    ],
    ['a private key', { signers: [{ ...signer, jwk: { ...jwk, d: 'AQAB' } }] }, 'signers.0.jwk'],
    [
      'a contract that is not there',
      { signers: [{ ...signer, contracts: ['none'] }] },
      'signers.0.contracts.0',
    ],
    [
      'replace under the seed contract',
      { reprovisioning: { rule: 'replace' } },
      'reprovisioning.rule',
    ],
    ['a field that it does not know', { colour: 'red' }, ''],
  ])('refuses %s, by its path', (_, change, path) => {
    const parsed = productSchema.safeParse({ ...product, ...change })
    expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toContain(path)
  })
})

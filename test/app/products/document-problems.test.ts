import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readProductDocument } from '../../../app/products/document-problems.ts'
import { productJsonSchema } from '../../../app/products/product-json-schema.ts'
import { runProductTests } from '../../../app/products/product-test.ts'
import type { Location } from '../../../regions/location.ts'
import { regionPolicySchema } from '../../../regions/region-policy.ts'

const { kty, n, e } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
  format: 'jwk',
})
const document = {
  $schema: './product.schema.json',
  name: 'lamps',
  signers: [{ kid: 'factory', contracts: ['seed'], jwk: { kty, n, e } }],
  regionPolicy: { defaultRegion: 'eu-west-1' },
}
const text = 'x'.repeat(1000)

describe('readProductDocument', () => {
  it('refuses what no row of the table could hold', () => {
    const attributes = Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`a${at}`, text]))
    const one = { location: { lat: 0, lon: 0 }, attributes, region: 'eu-west-1' }
    const read = readProductDocument({ ...document, tests: [one] })
    expect(read).toMatchObject({
      problems: [
        {
          path: [],
          message: expect.stringMatching(
            /^must have at most 300000 bytes as JSON, and has 4\d{5}$/,
          ),
        },
      ],
    })
  })

  it('tells every problem with its path and what to do about it, all at once', () => {
    const read = readProductDocument({
      ...document,
      name: 'my lamps',
      signer: [],
      signers: [{ kid: 1, contracts: ['seed'], jwk: { kty: 'oct', n, e } }],
      regionPolicy: {
        defaultRegion: 'eu-wset-1',
        allowedRegions: ['us-east-1'],
        rules: [{ match: { countrys: ['DE'] }, regions: [] }],
        strategy: 'static',
      },
      reprovisioning: { rule: 'replace', redeliverSeconds: -1 },
      tests: [{ address: 'here', region: 'mars-1' }, 5],
    })
    const problems = 'problems' in read ? read.problems : []
    expect(problems.map((it) => `${it.path.join('.')}: ${it.message}`)).toEqual([
      'name: must be 1 to 64 of A-Z a-z 0-9 . _ -',
      'signers.0.kid: must be a text',
      'signers.0.jwk.kty: must be a public JWK of kty EC (P-256, P-384), OKP (Ed25519) or RSA',
      'regionPolicy.defaultRegion: "eu-wset-1" is no Region with AWS IoT Core; did you mean eu-west-1?',
      'regionPolicy.rules.0.match.countrys: is no field of a product: did you mean countries?',
      expect.stringMatching(/^regionPolicy\.rules\.0\.match: must name countries, continents, /),
      'regionPolicy.rules.0.regions: must have at least 1 entry',
      'regionPolicy.defaultRegion: must be one of allowedRegions',
      'reprovisioning.redeliverSeconds: must be at least 0',
      'tests.0.address: must be an IPv4 or IPv6 address',
      'tests.0.region: must be a Region with AWS IoT Core, or none',
      'tests.1: must be a mapping of fields',
      'signer: is no field of a product: did you mean signers?',
      expect.stringMatching(
        /^reprovisioning\.rule: must be refuse where a signer may use the seed/,
      ),
    ])
  })

  it('says what is missing', () => {
    const read = readProductDocument({ regionPolicy: {} })
    const problems = 'problems' in read ? read.problems : []
    expect(problems.map((it) => `${it.path.join('.')}: ${it.message}`)).toEqual([
      'name: is missing: it must be a text',
      'signers: is missing: it must be a list',
      'regionPolicy.defaultRegion: is missing: name a Region, for example eu-west-1',
    ])
    expect(readProductDocument('lamps')).toEqual({
      problems: [{ path: [], message: 'must be a mapping of fields' }],
    })
  })
})

describe('productJsonSchema', () => {
  it('knows every field of a document, its regions by name, and takes nothing else', () => {
    const schema = JSON.parse(JSON.stringify(productJsonSchema()))
    expect(schema).toMatchObject({
      additionalProperties: false,
      required: ['name', 'signers', 'regionPolicy'],
    })
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(Object.keys(document)))
    expect(schema.$defs.Region.enum).toContain('ap-northeast-1')
    const { properties } = schema.properties.regionPolicy
    expect(properties.defaultRegion).toEqual({ $ref: '#/$defs/Region' })
    expect(properties.rules.items.required).toEqual(['match', 'regions'])
  })
})

describe('runProductTests', () => {
  const regionPolicy = regionPolicySchema.parse({
    defaultRegion: 'us-east-1',
    rules: [
      { match: { continents: ['EU'] }, regions: ['eu-central-1'], strict: true },
      {
        match: { attributes: { plan: 'gold' } },
        regions: ['eu-west-1', 'us-east-1'],
        strategy: 'weighted',
        weights: { 'eu-west-1': 1, 'us-east-1': 1 },
      },
    ],
  })
  const enabledRegions = ['eu-central-1', 'eu-west-1', 'us-east-1']
  const berlin = { lat: 52.5, lon: 13.4, country: 'DE' }
  const run = (...tests: Parameters<typeof runProductTests>[0]['tests'] & object) =>
    runProductTests(
      { regionPolicy, tests },
      { enabledRegions, locate: (address) => (address === '192.0.2.1' ? located : undefined) },
    )
  const located: Location = {
    ...berlin,
    continent: 'EU',
    confidence: 'normal',
    source: 'here',
    date: '2026-01-01',
  }

  it('places each by its address, or by the location that it gives', () => {
    const results = run(
      { address: '192.0.2.1', region: 'eu-central-1' },
      { location: berlin, region: 'eu-central-1' },
      { location: berlin, down: ['eu-central-1'], region: 'none' },
      { address: '198.51.100.1', region: 'us-east-1' },
      { address: '198.51.100.1', pin: 'eu-west-1', region: 'eu-west-1' },
    )
    expect(results.filter((it) => it.problem !== undefined)).toEqual([])
  })

  it('says what a failing one got, and why', () => {
    const [wrong, unnamed] = run(
      { name: 'Berlin', location: berlin, region: 'eu-west-1' },
      { attributes: { plan: 'gold' }, region: 'eu-west-1' },
    )
    expect(wrong).toMatchObject({
      name: 'Berlin',
      actual: 'eu-central-1',
      problem: expect.stringMatching(
        /^expects eu-west-1, gets eu-central-1: rule rules\.0 \(strict\), /,
      ),
    })
    expect(unnamed?.problem).toBe('names no thing, and the strategy is weighted: add one')
  })
})

import { generateKeyPairSync } from 'node:crypto'
import { compactVerify, importJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { ConfigError, parseConfig } from '../../../app/edge/config.ts'
import { openLandfall } from '../../../app/edge/landfall-deployment.ts'
import { findNonceTime, issueNonce } from '../../../app/request/nonce.ts'
import { signReceipt } from '../../../app/request/router-keys.ts'
import { audience } from '../../landfall-request.ts'

const config = (more: object = {}) =>
  parseConfig({
    region: 'eu-west-1',
    deviceRegions: [{ region: 'eu-west-1', roleArn: 'arn:aws:iam::123456789012:role/edge' }],
    ...more,
  })
const newKey = (namedCurve = 'P-256') =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ format: 'jwk' })
const routerKeys = JSON.stringify({ keys: [newKey(), newKey()] })
const source = 'routerKeysFile: /etc/landfall/router.keys.json'

async function open(keys: string | undefined, of: string | undefined = audience) {
  const deployment = await openLandfall(config({ audience: of }), keys, source)
  if (deployment === undefined) throw new Error('it speaks the seed contract only')
  return deployment
}

async function problemsOf(keys: string | undefined): Promise<readonly string[]> {
  const error = await open(keys).catch((it: unknown) => it)
  if (!(error instanceof ConfigError)) throw new Error('it was opened')
  return error.problems
}

describe('a deployment with an audience', () => {
  it('speaks the Landfall contract by its name, its rules and its keys', async () => {
    const freshness = { maxAgeSeconds: 30, maxAheadSeconds: 5, nonceSeconds: 20 }
    const deployment = await openLandfall(config({ audience, freshness }), routerKeys, source)
    if (deployment === undefined) throw new Error('it speaks the seed contract only')
    expect([deployment.audience, deployment.freshness]).toEqual([audience, freshness])
    const [jwk = {}] = deployment.keys.publicJwks.keys
    const jws = await signReceipt(deployment.keys, {
      iss: audience,
      sub: 'lamp-1',
      iat: 1_795_000_000,
      region: 'eu-west-1',
      endpointAddress: 'ats.iot.eu-west-1.amazonaws.com',
      certificateId: '0'.repeat(64),
      product: 'default',
      reason: 'nearest',
    })
    const { payload } = await compactVerify(jws, await importJWK(jwk))
    expect(JSON.parse(new TextDecoder().decode(payload))).toMatchObject({ sub: 'lamp-1' })
  })

  it('takes no nonce of another one that has the same keys', async () => {
    const [own, same, other] = await Promise.all([
      open(routerKeys),
      open(routerKeys),
      open(routerKeys, 'https://other.test'),
    ])
    const [key = Buffer.alloc(0)] = own.keys.nonceKeys
    const nonce = issueNonce(key, 1_795_000_000_000, Buffer.alloc(8))
    expect(findNonceTime(same.keys.nonceKeys, nonce)).toBe(1_795_000_000_000)
    expect(findNonceTime(other.keys.nonceKeys, nonce)).toBe(undefined)
  })

  it('does not start without keys, and says where they belong and how they are made', async () => {
    expect(await problemsOf(undefined)).toEqual([
      `${source}: is missing, and the Landfall contract (audience) needs the router’s keys: make them with \`npx landfall keys new --type ES256 --out FILE\``,
    ])
  })

  const wrong = newKey('P-384')
  it.each([
    ['nothing', ''],
    ['no JSON', 'MC4CAQAwBQYDK2VwBCIEIA'],
    ['no keys', '{"keys":[]}'],
    ['a key of another curve', JSON.stringify({ keys: [wrong] })],
  ])('does not start with %s, and quotes none of it', async (_, text) => {
    const problems = await problemsOf(text)
    const quotable = [text, String(wrong.d)].filter((it) => it !== '')
    expect(quotable.some((it) => problems.join().includes(it))).toBe(false)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(
      /^routerKeysFile: \/etc\/landfall\/router\.keys\.json: is no JWK Set/,
    )
  })
})

describe('a deployment without an audience', () => {
  it.each([
    ['no keys', undefined],
    ['keys', routerKeys],
    ['a wrong key', '{}'],
  ])('speaks the seed contract only, with %s', async (_, keys) => {
    expect(await openLandfall(config(), keys, source)).toBe(undefined)
  })
})

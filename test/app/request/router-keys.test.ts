import { generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { compactVerify, importJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  compactRouterKeys,
  mostRouterKeys,
  parseRouterKeys,
  RouterKeyError,
  signReceipt,
} from '../../../app/request/router-keys.ts'

const audience = 'https://landfall.test'

const newKey = (namedCurve = 'P-256'): JsonWebKey =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ format: 'jwk' })
const setOf = (...keys: JsonWebKey[]) => JSON.stringify({ keys })

const receipt = {
  iss: audience,
  sub: 'lamp-1',
  iat: 1_795_000_000,
  region: 'eu-west-1',
  endpointAddress: 'ats.iot.eu-west-1.amazonaws.com',
  certificateId: '0'.repeat(64),
  product: 'default',
  reason: 'nearest',
}

describe('the router’s keys', () => {
  it('sign with the first, and publish all of them', async () => {
    const keys = await parseRouterKeys(setOf(newKey(), newKey()), audience)
    const { keys: published } = keys.publicJwks
    expect(published).toHaveLength(2)
    const [first] = published
    if (first === undefined) throw new Error('nothing is published')
    expect(new Set(Object.keys(first))).toEqual(
      new Set(['kty', 'crv', 'x', 'y', 'kid', 'use', 'alg']),
    )
    const jws = await signReceipt(keys, receipt)
    const { protectedHeader } = await compactVerify(jws, await importJWK(first))
    expect(protectedHeader.kid).toBe(first.kid)
  })

  it('are compacted to what makes the keys, which is read as the same keys', async () => {
    const given = [newKey(), newKey()].map((it) => ({ ...it, kid: 'a', alg: 'ES256', note: 'b' }))
    const text = JSON.stringify({ keys: given, madeBy: 'c' }, null, 2)
    const compacted = compactRouterKeys(text)
    const { keys }: { keys: JsonWebKey[] } = JSON.parse(compacted)
    expect(keys).toEqual(given.map(({ kty, crv, x, y, d }) => ({ kty, crv, x, y, d })))
    const [before, after] = await Promise.all(
      [text, compacted].map((it) => parseRouterKeys(it, audience)),
    )
    expect(after?.publicJwks).toEqual(before?.publicJwks)
    expect(after?.nonceKeys).toEqual(before?.nonceKeys)
  })

  it('fit into a Lambda’s environment, however many they may be', () => {
    const most = compactRouterKeys(setOf(...Array.from({ length: mostRouterKeys }, () => newKey())))
    expect(Buffer.byteLength(`LANDFALL_ROUTER_KEYS=${most}`)).toBeLessThan(4096)
  })
})

const { d: _d, ...publicHalf } = newKey()
const refusals: readonly [string, string][] = [
  ['no JSON', 'MC4CAQAwBQYDK2VwBCIEIA'],
  ['nothing', ''],
  ['one key that is no set', JSON.stringify(newKey())],
  ['an empty set', setOf()],
  ['a public key', setOf(publicHalf)],
  ['a public key behind a private one', setOf(newKey(), publicHalf)],
  ['another curve', setOf(newKey('P-384'))],
  [
    'an RSA key',
    setOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })),
  ],
  ['a private number of another point', setOf({ ...newKey(), d: String(newKey().d) })],
  ['a point that isn’t on the curve', setOf({ ...newKey(), y: 'A'.repeat(43) })],
  ['the private number 0', setOf({ ...newKey(), d: 'A'.repeat(43) })],
]

/** What reading it comes to, either way; nothing of the text may be in it. */
async function refusalOf(text: string): Promise<string> {
  const error = await parseRouterKeys(text, audience).catch((it: unknown) => it)
  if (!(error instanceof RouterKeyError)) throw new Error('it was taken')
  expect(() => compactRouterKeys(text)).toThrow(new RouterKeyError(error.message))
  expect(error.cause).toBeUndefined()
  const quoted = text.match(/[\w-]{20,}/g)?.filter((it) => error.stack?.includes(it)) ?? []
  expect(quoted.length).toBe(0)
  return error.message
}

describe('a set of keys is refused, and not quoted,', () => {
  it.each(refusals)('where it is %s', async (_, text) => {
    expect(await refusalOf(text)).toMatch(
      /^is no JWK Set of private EC P-256 keys: make one with `npx landfall keys new/,
    )
  })

  it('where it holds more than are needed, with what to do', async () => {
    const keys = Array.from({ length: mostRouterKeys + 1 }, () => newKey())
    expect(await refusalOf(setOf(...keys))).toBe(
      'holds 11 keys, and 10 are the most: take the last ones out, which are the oldest',
    )
  })
})

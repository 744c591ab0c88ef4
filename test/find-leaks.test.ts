import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { findLeaks, findSecrets } from './find-leaks.ts'
import { compact, makeSigningKey, signRequest } from './landfall-request.ts'

const { key, jwk } = makeSigningKey()
const line = (value: unknown) => JSON.stringify({ level: 'info', msg: 'request', value })

/** Planted: one of each that must never be written down. */
const planted: readonly [string, string][] = [
  ['a private key, PKCS#8', key.export({ type: 'pkcs8', format: 'pem' }).toString()],
  [
    'a private key, PKCS#1',
    generateKeyPairSync('rsa', { modulusLength: 2048 })
      .privateKey.export({ type: 'pkcs1', format: 'pem' })
      .toString(),
  ],
  ['a private JWK', JSON.stringify(key.export({ format: 'jwk' }))],
  ['a request', compact(await signRequest(key, { sub: 'lamp' }))],
  ['a request’s header', (await signRequest(key, { sub: 'lamp' })).protected],
  ['a JWE', `${Buffer.from('{"alg":"ECDH-ES+A256KW"}').toString('base64url')}.a.b.c.d`],
]
const plantedInLogs: readonly [string, string][] = [
  [
    'a signature of ES256',
    sign('sha256', Buffer.from('x'), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url'),
  ],
  ['a signature in DER', sign('sha256', Buffer.from('x'), key).toString('base64')],
  ['a signature of RSA', randomBytes(256).toString('base64')],
  ['a body of the seed contract', '{"thing-name":"a","thing-name-sig":"b"}'],
  ['a certificate', randomBytes(400).toString('base64')],
]

describe('findLeaks', () => {
  it.each([...planted, ...plantedInLogs])(
    'finds %s, in a line of JSON too, and twice escaped',
    (_, secret) => {
      expect(findLeaks(secret)).not.toEqual([])
      expect(findLeaks(line(secret))).not.toEqual([])
      expect(findLeaks(line({ error: line(secret) }))).not.toEqual([])
    },
  )

  it('finds a secret that it was told of, whatever it looks like', () => {
    expect(findLeaks(line('the password is swordfish'), ['swordfish'])).toEqual(['a known secret'])
    expect(findLeaks(line('the password is swordfish'), [''])).toEqual([])
  })

  it('never repeats what it found', () => {
    for (const [, secret] of [...planted, ...plantedInLogs]) {
      for (const leak of findLeaks(line(secret))) expect(leak).toMatch(/^[a-zA-Z0-9 ]+$/)
    }
  })

  it.each([
    ['a certificate id', createHash('sha256').update('x').digest('hex')],
    ['a request id', '52469e89-222c-401c-bdfe-e35130b3001c'],
    ['a thumbprint', createHash('sha256').update('x').digest('base64url')],
    ['a nonce', randomBytes(30).toString('base64url')],
    ['the longest name', 'lamp-'.repeat(25)],
    ['an ARN', 'arn:aws:sts::277533725777:assumed-role/landfall-edge-eu-west-1/landfall-vm-22657'],
    ['a path', '/usr/lib/node_modules/@aws-sdk/client-dynamodb/dist-cjs/protocols/index.js:21:14'],
  ])('lets %s pass', (_, text) => {
    expect(findLeaks(line(text))).toEqual([])
  })
})

describe('findSecrets', () => {
  it.each(planted)('finds %s', (_, secret) => {
    expect(findSecrets(line(secret))).not.toEqual([])
  })

  it('lets public keys and certificates pass, which commands print', () => {
    expect(findSecrets(JSON.stringify(jwk))).toEqual([])
    expect(findSecrets(JSON.stringify(makeSigningKey('RSA').jwk))).toEqual([])
    expect(findSecrets('-----BEGIN CERTIFICATE-----\nMIIB')).toEqual([])
  })
})

import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { calculateJwkThumbprint } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { signingKeyTypes } from '../../../app/cli/keys/signing-key-types.ts'
import { productSchema } from '../../../app/products/product.ts'
import { parseRouterKeys } from '../../../app/request/router-keys.ts'
import { signingJwk } from '../../../app/request/signing-jwk.ts'
import { runHere } from './run-here.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-keys-'))
})
afterAll(() => rm(folder, { recursive: true }))

const file = (name: string) => join(folder, name)
const keys = (...args: string[]) => runHere(['keys', ...args])
const privateKeys = async (name: string): Promise<Record<string, string>[]> =>
  JSON.parse(await readFile(file(name), 'utf8')).keys

async function write(name: string, content: unknown): Promise<string> {
  await writeFile(file(name), typeof content === 'string' ? content : JSON.stringify(content))
  return file(name)
}

const pem = (key: KeyObject) =>
  key.type === 'private'
    ? key.export({ type: 'pkcs8', format: 'pem' }).toString()
    : key.export({ type: 'spki', format: 'pem' }).toString()

describe('landfall keys new', () => {
  it.each(signingKeyTypes)(
    'makes a %s key for its owner’s eyes, and prints its public half',
    async (type) => {
      const run = await keys('new', '--type', type, '--out', file(type))
      expect(run.code).toBe(0)
      const shown = JSON.parse(run.stdout)
      expect(signingJwk.parse(shown)).toMatchObject({ alg: type, use: 'sig' })
      const { kid, use: _use, alg: _alg, ...bare } = shown
      expect(kid).toBe(await calculateJwkThumbprint(bare))
      expect((await stat(file(type))).mode & 0o777).toBe(0o600)
      const [made] = await privateKeys(type)
      expect(made).toMatchObject(bare)
      expect(run.stdout + run.stderr).not.toContain(made?.d)
    },
  )

  it('leaves a file that is there as it is', async () => {
    await keys('new', '--out', file('once'))
    const before = await readFile(file('once'), 'utf8')
    const again = await keys('new', '--out', file('once'))
    expect(again).toMatchObject({ code: 1, stdout: '' })
    expect(again.stderr).toMatch(/once is there already\nhint: npx landfall keys rotate /)
    expect(await readFile(file('once'), 'utf8')).toBe(before)
    expect(await keys('new', '--out', file('no/where'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('can’t be written: ENOENT'),
    })
  })
})

describe('landfall keys show', () => {
  it('shows the public half alone, whatever form the file has', async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = pair.publicKey.export({ format: 'jwk' })
    const own = { ...pair.privateKey.export({ format: 'jwk' }) }
    const forms = {
      'private.pem': pem(pair.privateKey),
      'sec1.pem': pair.privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
      'public.pem': pem(pair.publicKey),
      'jwk.json': own,
      'public.json': jwk,
      'set.json': { keys: [own] },
    }
    const kid = await calculateJwkThumbprint({ ...own, kty: 'EC' })
    for (const [name, content] of Object.entries(forms)) {
      const run = await keys('show', await write(name, content), '--json')
      expect(JSON.parse(run.stdout), name).toEqual({ keys: [{ ...jwk, kid, use: 'sig' }] })
    }
  })

  it('prints signers that a product takes', async () => {
    for (const type of signingKeyTypes)
      await keys('new', '--type', type, '--out', file(`s-${type}`))
    const shown = await Promise.all(
      signingKeyTypes.map(async (type) => {
        const run = await keys('show', file(`s-${type}`), '--signer')
        return parse(run.stdout).signers[0]
      }),
    )
    const seed = await keys('show', file('s-RS256'), '--signer', '--contracts', 'seed', '--json')
    const [rsa] = JSON.parse(seed.stdout).signers
    const signers = [...shown, { ...rsa, kid: 'seed' }]
    const product = { name: 'p', signers, regionPolicy: { defaultRegion: 'eu-west-1' } }
    expect(productSchema.parse(product).signers.map((it) => it.contracts.join())).toEqual([
      ...signingKeyTypes.map(() => 'landfall'),
      'seed',
    ])
    const wrong = await keys('show', file('s-ES256'), '--signer', '--contracts', 'seed')
    expect(wrong).toMatchObject({ code: 1, stdout: '' })
    expect(wrong.stderr).toContain('the seed contract takes RSA keys only')
  })

  it('prints one JWK for the allow-list', async () => {
    await keys('new', '--out', file('a'))
    const run = await keys('show', file('a'), '--allow')
    expect(signingJwk.safeParse(JSON.parse(run.stdout)).success).toBe(true)
  })

  it.each([
    [['--signer', '--allow'], '--allow and --signer are two forms'],
    [['--contracts', 'seed'], '--contracts is for --signer'],
    [['--signer', '--contracts', 'seeds'], '--contracts: seeds is no contract'],
  ])('counts %s as misuse', async (args, message) => {
    const run = await keys('show', file('a'), ...args)
    expect(run).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) })
  })

  it('says what a file holds that is no signing key, and never quotes it', async () => {
    const secret = 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I'
    const p256 = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const [one, other] = [p256(), p256()]
    const encrypted = one.privateKey
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
      .toString()
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const wrongs: readonly (readonly [unknown, string])[] = [
      ['', 'is neither JSON nor PEM'],
      [`{"kty":"EC","d":"${secret}"`, 'is neither JSON nor PEM'],
      [{ keys: [] }, 'holds no key'],
      [{ secret }, 'is neither a JWK nor a JWK Set'],
      [{ kty: 'oct', k: secret }, 'is no signing key: kty: must be a public JWK'],
      [
        { kty: 'EC', crv: 'P-256', x: secret, y: secret, d: secret },
        'is no signing key: must be a key',
      ],
      [{ ...one.publicKey.export({ format: 'jwk' }), d: secret }, 'does not belong to its private'],
      [
        {
          ...other.privateKey.export({ format: 'jwk' }),
          ...one.publicKey.export({ format: 'jwk' }),
        },
        'does not belong to its private',
      ],
      [encrypted, 'is encrypted with a passphrase'],
      [pem(weak.privateKey), 'must be an RSA key of at least 2048 bits'],
      [
        pem(generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey),
        'is no signing key: crv',
      ],
      [
        `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`,
        'no key that can sign',
      ],
    ]
    for (const [content, message] of wrongs) {
      const run = await keys('show', await write('wrong', content))
      expect(run, message).toMatchObject({ code: 1, stdout: '' })
      expect(run.stderr).toContain(message)
      expect(run.stderr).not.toContain(secret)
    }
  })
})

describe('landfall keys rotate', () => {
  it('puts a new key in front, keeps the older ones, and the router takes the file', async () => {
    await keys('new', '--out', file('router'))
    const kids = async () => (await privateKeys('router')).map((it) => it.kid)
    const [first] = await kids()
    const run = await keys('rotate', file('router'))
    expect(run).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('1 older key behind it.'),
    })
    const [second] = await kids()
    expect(JSON.parse(run.stdout).kid).toBe(second)
    await keys('rotate', file('router'))
    const dropping = await keys('rotate', file('router'))
    expect(dropping.stderr).toContain('2 older keys behind it, 1 older key dropped.')
    const now = await kids()
    expect(now.slice(2)).toEqual([second])
    expect(now).not.toContain(first)
    expect((await stat(file('router'))).mode & 0o777).toBe(0o600)
    const router = await parseRouterKeys(await readFile(file('router'), 'utf8'), 'any')
    expect(router.publicJwks.keys.map((it) => it.kid)).toEqual(now)
    expect(router.signing.kid).toBe(now[0])
    expect((await readdir(folder)).filter((it) => it.endsWith('.tmp'))).toEqual([])
  })

  it('makes the new key like the present one, or another where asked', async () => {
    await keys('new', '--type', 'RS256', '--out', file('rsa'))
    await keys('rotate', file('rsa'))
    await keys('rotate', file('rsa'), '--type', 'Ed25519', '--keep', '1')
    expect((await privateKeys('rsa')).map((it) => it.alg)).toEqual(['Ed25519', 'RS256'])
    const [made] = await privateKeys('rsa')
    expect(createPublicKey({ key: { ...made }, format: 'jwk' }).asymmetricKeyType).toBe('ed25519')
  })

  it('leaves alone what it can’t rotate', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const alone = await write('alone.pem', pem(privateKey))
    expect((await keys('rotate', alone)).stderr).toContain('is PEM, which holds one key')
    const half = await write('half.json', publicKey.export({ format: 'jwk' }))
    expect((await keys('rotate', half)).stderr).toContain('holds public keys')
    expect(await keys('rotate', half, '--keep', '10')).toMatchObject({ code: 2 })
    expect(JSON.parse(await readFile(half, 'utf8'))).toEqual(publicKey.export({ format: 'jwk' }))
  })
})

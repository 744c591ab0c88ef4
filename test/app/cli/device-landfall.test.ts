// One stage and edge for the reference device under the Landfall contract, whatever it signs with or is told.

import 'reflect-metadata'
import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { signingKeyTypes } from '../../../app/cli/keys/signing-key-types.ts'
import { signingJwk } from '../../../app/request/signing-jwk.ts'
import { certifyDevice, factoryCa, makeAuthority } from '../../factory.ts'
import { audience, makeSigningKey } from '../../landfall-request.ts'
import { type EdgeProcess, type Stage, setStage } from '../../stage.ts'
import { type Meddle, startEdgeProxy } from './edge-proxy.ts'
import { runHere } from './run-here.ts'

let stage: Stage
let edge: EdgeProcess
let folder: string
let proxy: Awaited<ReturnType<typeof startEdgeProxy>> | undefined
const factory = await makeAuthority('factory')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-device-'))
  stage = await setStage(['eu-west-1'], 120)
  const signer = JSON.parse((await keys('new', '--out', file('fleet'))).stdout)
  const { kid, use: _use, ...jwk } = signer
  await stage.changeProduct({
    signers: [
      { kid: 'seed', contracts: ['seed'], jwk: makeSigningKey('RSA').jwk },
      { kid, contracts: ['landfall'], jwk },
    ],
    factoryCas: [factoryCa('factory', factory)],
  })
  edge = await stage.startEdge()
})
afterEach(async () => {
  await proxy?.close()
  proxy = undefined
})
afterAll(async () => {
  await stage?.close()
  await rm(folder, { recursive: true })
})

const file = (name: string) => join(folder, name)
const keys = (...args: string[]) => runHere(['keys', ...args])
const read = (thing: string, name: string) => readFile(file(`${thing}.d/${thing}.${name}`), 'utf8')

/** Switches a device on by the Landfall contract; each has a folder of its own. */
async function device(thing: string, key: string, ...args: string[]) {
  await mkdir(file(`${thing}.d`), { recursive: true })
  const run = await runHere([
    ...['device', '--thing', thing, '--folder', file(`${thing}.d`), '--count', '0', '--json'],
    ...['--url', proxy?.url ?? `${edge.url}/v1/provision`, '--audience', audience],
    ...['--signing-key', file(key), ...args],
  ])
  const events = run.stdout
    .split('\n')
    .filter(Boolean)
    .map((line): Record<string, unknown> => JSON.parse(line))
  return { ...run, events, kept: await readdir(file(`${thing}.d`)) }
}

/** A device with a key of its own, in a key file of its name, in the allow-list. */
async function allowOwn(thing: string, type = 'ES256'): Promise<KeyObject> {
  const made = await keys('new', '--out', file(thing), '--type', type)
  const { kid: _kid, use: _use, ...jwk } = JSON.parse(made.stdout)
  await stage.allowDevice(thing, { publicKey: signingJwk.parse(jwk) })
  const [own] = JSON.parse(await readFile(file(thing), 'utf8')).keys
  return createPrivateKey({ key: own, format: 'jwk' })
}

async function startProxy(meddle?: Meddle) {
  proxy = await startEdgeProxy(edge.url, meddle)
  return proxy
}

/** The first answer to a request for an identity is changed, or lost. */
function first(change: Meddle): Meddle {
  let done = false
  return (answer, request) => {
    if (done || request.method !== 'POST') return undefined
    done = true
    return change(answer, request)
  }
}

const problem = (name: string, status: number, headers: Record<string, string> = {}) => ({
  status,
  headers: { 'content-type': 'application/problem+json', ...headers },
  body: JSON.stringify({ type: `/problems/${name}`, title: 'T', status, detail: 'D.' }),
})

describe('landfall device by the Landfall contract', () => {
  it.each(signingKeyTypes)('signs with its own %s key, and keeps the receipt', async (type) => {
    const thing = `own-${type}`
    await allowOwn(thing, type)
    const between = await startProxy()
    const run = await device(thing, thing, '--own-key')
    expect(run.code).toBe(0)
    const [request = ''] = between.requests()
    const certificate = new X509Certificate(await read(thing, 'device.cert.pem'))
    const key = await read(thing, 'device.key.pem')
    expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true)
    expect(decodeProtectedHeader(request)).toMatchObject({ alg: type })
    const receipt = decodeJwt(await read(thing, 'receipt.jws'))
    expect(receipt).toMatchObject({ iss: audience, sub: thing, region: 'eu-west-1' })
    expect(run.events.at(-1)).toMatchObject({ event: 'provisioned', reason: receipt.reason })
    expect(run.stdout + run.stderr).not.toContain(request.split('.')[2])
  })

  it('signs as its product’s signer, with a PEM key too', async () => {
    const [own] = JSON.parse(await readFile(file('fleet'), 'utf8')).keys
    const pem = createPrivateKey({ key: own, format: 'jwk' }).export({
      type: 'sec1',
      format: 'pem',
    })
    await writeFile(file('fleet.pem'), pem)
    await stage.allow('by-jwk', 'by-pem')
    expect(await device('by-jwk', 'fleet', '--own-key')).toMatchObject({ code: 0 })
    expect(await device('by-pem', 'fleet.pem', '--own-key')).toMatchObject({ code: 0 })
    expect(await device('by-pem', 'fleet.pem', '--kid', 'x', '--folder', file('x'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('refuses by-pem: not-authorized'),
    })
  })

  it.each([
    ['an EC key in PEM', 'ec', 'pem', 'landfall'],
    ['an RSA key in PEM', 'rsa', 'pem', 'seed'],
    ['an RSA key as JWK', 'rsa', 'jwk', 'landfall'],
  ] as const)('with %s speaks the right contract', async (_name, type, form, contract) => {
    const { privateKey } =
      type === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 })
    const text =
      form === 'pem'
        ? privateKey.export({ type: 'pkcs8', format: 'pem' })
        : JSON.stringify(privateKey.export({ format: 'jwk' }))
    const key = file(`${type}.${form}`)
    await writeFile(key, text)
    const run = await runHere([
      ...['device', '--thing', 'x', '--signing-key', key, '--folder', file('x')],
      ...['--url', 'http://127.0.0.1:1/elsewhere', '--retry-for', '0'],
    ])
    // No edge is there; the seed contract needs no audience.
    expect(run.stderr).toContain(contract === 'seed' ? "can't be reached" : 'no audience')
  })

  it('shows the certificate that its factory gave its key', async () => {
    const { certificate, signingKey } = await certifyDevice(factory, 'certified')
    await writeFile(file('certified.pem'), certificate.toString('pem'))
    await writeFile(file('certified'), signingKey.export({ type: 'pkcs8', format: 'pem' }))
    await stage.allow('certified')
    const args = ['--own-key', '--factory-cert', file('certified.pem')]
    expect(await device('certified', 'fleet', ...args)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('begins with a certificate of another key'),
    })
    expect(await device('certified', 'certified', ...args)).toMatchObject({ code: 0 })
  })

  it.each(['P-256', 'X25519'])('reads the key that AWS IoT made with its %s key', async (curve) => {
    const thing = `made-${curve}`
    await allowOwn(thing)
    const between = await startProxy()
    const run = await device(thing, thing, '--delivery-key', curve)
    expect(run.code).toBe(0)
    expect(between.payloads()).toMatchObject([{ sub: thing, jwk: { crv: curve } }])
    expect(between.payloads()[0]?.jwk).not.toHaveProperty('d')
    const key = createPrivateKey(await read(thing, 'device.key.pem'))
    const certificate = new X509Certificate(await read(thing, 'device.cert.pem'))
    expect(certificate.checkPrivateKey(key)).toBe(true)
    expect((await stat(file(`${thing}.d/${thing}.device.key.pem`))).mode & 0o777).toBe(0o600)
    expect(run.stdout + run.stderr).not.toContain('PRIVATE KEY')
  })

  it('asks anew with a fresh key of each kind when the answer was lost', async () => {
    await allowOwn('lost')
    const between = await startProxy(first(() => 'lost'))
    expect((await device('lost', 'lost')).code).toBe(0)
    const [before, after] = between.payloads()
    expect(after?.jwk).not.toEqual(before?.jwk)
    expect(Number(after?.iat)).toBeGreaterThan(Number(before?.iat))
    const certificate = new X509Certificate(await read('lost', 'device.cert.pem'))
    const id = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
    expect((await stage.row('lost'))?.certificateId).toBe(id)

    await allowOwn('lost-own')
    const asked = await startProxy(first(() => 'lost'))
    expect((await device('lost-own', 'lost-own', '--own-key')).code).toBe(0)
    expect(new Set(asked.payloads().map((it) => it.csr)).size).toBe(1)
    expect(new Set(asked.requests()).size).toBe(2)
  })

  it('without a clock dates each request by a nonce', async () => {
    await allowOwn('clockless')
    const between = await startProxy(
      first(() => problem('unavailable', 503, { 'retry-after': '1' })),
    )
    const run = await device('clockless', 'clockless', '--own-key', '--no-clock')
    expect(run.code).toBe(0)
    expect(run.events).toContainEqual(
      expect.objectContaining({
        event: 'retry',
        why: 'unavailable: D',
        delayMs: expect.any(Number),
      }),
    )
    const [before, after] = between.payloads()
    expect(before).not.toHaveProperty('iat')
    expect(after?.nonce).not.toBe(before?.nonce)
  })

  it('with a wrong clock asks again at once, with the nonce of the refusal', async () => {
    const ahead = await stage.startEdge({ freshness: { maxAgeSeconds: 1 } }, 30)
    await allowOwn('late')
    proxy = await startEdgeProxy(ahead.url)
    const run = await device('late', 'late', '--own-key', '--retry-for', '0')
    expect(run.code).toBe(0)
    expect(run.events.map((it) => it.event)).toEqual([
      ...['key-made', 'asking', 'again', 'asking', 'provisioned'],
    ])
    expect(proxy.seen.map((it) => it.path)).not.toContain('/v1/nonce')
    await ahead.stop()
  })

  it('gives up on an edge that calls every request stale', async () => {
    await allowOwn('never')
    const between = await startProxy((_, { method }) =>
      method === 'POST' ? problem('stale-request', 400) : undefined,
    )
    const run = await device('never', 'never', '--own-key')
    expect(run).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('never: stale-request: D'),
    })
    expect(between.payloads()).toHaveLength(3)
    expect(run.events.at(-1)).toMatchObject({ event: 'refused', problem: 'stale-request' })
  })

  it('is refused when it fakes its name, and keeps nothing', async () => {
    await allowOwn('forger')
    const run = await device('forger', 'forger', '--own-key', '--fake')
    expect(run).toMatchObject({ code: 1, kept: [] })
    expect(run.events.at(-1)).toMatchObject({ event: 'refused', problem: 'not-authorized' })
    expect(run.stderr).toMatch(
      /forger: not-authorized: .*hint: as it must: this request was forged/s,
    )
  })

  it('believes the router’s keys that its factory pinned, and no others', async () => {
    await allowOwn('pinned')
    await writeFile(file('right'), await (await fetch(`${edge.url}/v1/jwks`)).text())
    await keys('new', '--out', file('other'))
    await writeFile(file('wrong'), (await keys('show', file('other'))).stdout)
    const wrong = await device('pinned', 'pinned', '--own-key', '--router-keys', file('wrong'))
    expect(wrong).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('none of the router’s'),
    })
    expect(wrong.kept).not.toContain('pinned.endpoint')
    const between = await startProxy()
    const right = await device('pinned', 'pinned', '--own-key', '--router-keys', file('right'))
    expect(right.code).toBe(0)
    expect(between.seen.map((it) => it.path)).not.toContain('/v1/jwks')
  })

  it.each([
    ['endpointAddress', '203.0.113.1'],
    ['region', 'us-east-1'],
    ['reason', 'because'],
    ['thingName', 'somebody'],
    ['certificateId', '0'.repeat(64)],
    ['receipt', 'e30.e30.e30'],
  ])('keeps nothing of an answer whose %s was changed', async (member, value) => {
    const thing = `changed-${member}`
    await allowOwn(thing)
    await startProxy((answer, { method }) =>
      method === 'POST'
        ? { ...answer, body: JSON.stringify({ ...JSON.parse(answer.body), [member]: value }) }
        : undefined,
    )
    const run = await device(thing, thing, '--own-key')
    expect(run).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the receipt doesn’t prove'),
    })
    expect(run.kept).toEqual([`${thing}.device.csr.pem`, `${thing}.device.key.pem`])
  })

  it('takes no receipt of another deployment or device', async () => {
    await allowOwn('receipt-1')
    await allowOwn('receipt-2')
    expect((await device('receipt-1', 'receipt-1', '--own-key')).code).toBe(0)
    const receipt = await read('receipt-1', 'receipt.jws')
    await startProxy((answer, { method }) =>
      method === 'POST'
        ? { ...answer, body: JSON.stringify({ ...JSON.parse(answer.body), receipt }) }
        : undefined,
    )
    const run = await device('receipt-2', 'receipt-2', '--own-key')
    expect(run.stderr).toContain('its sub is not what it must be')
  })

  it('takes no key that is not encrypted to it', async () => {
    await allowOwn('sealed')
    await startProxy((answer, { method }) => {
      if (method !== 'POST') return undefined
      const body = JSON.parse(answer.body)
      const cut = `${body.privateKeyJwe.slice(0, -2)}AA`
      return { ...answer, body: JSON.stringify({ ...body, privateKeyJwe: cut }) }
    })
    const run = await device('sealed', 'sealed')
    expect(run).toMatchObject({ code: 1, kept: [] })
    expect(run.stderr).toContain('privateKeyJwe is not for this device’s jwk')
  })

  it.each([
    [['--audience', 'another'], 1, 'wrong-audience: aud must be'],
    [['--factory-cert', 'nowhere'], 1, "can't read the factory certificate nowhere"],
    [['--router-keys', 'package.json'], 1, 'package.json is no JWK Set of public keys'],
    [['--url', 'http://127.0.0.1:1/device-provisioning'], 2, '--url is the seed contract’s'],
    [['--contract', 'seed'], 2, 'the seed contract has no --audience'],
  ])('says what is wrong with %s', async (args, code, message) => {
    await keys('new', '--out', file('any'))
    const run = await device('any', 'any', ...args)
    expect(run).toMatchObject({ code, stderr: expect.stringContaining(message) })
  })
})

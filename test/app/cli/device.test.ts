import 'reflect-metadata'
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pkcs10CertificateRequest } from '@peculiar/x509'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { certifyKey } from '../../certify-key.ts'
import { type Instead, startContractServer } from './contract-server.ts'
import { runHere } from './run-here.ts'

let folder: string
let server: Awaited<ReturnType<typeof startContractServer>>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-device-'))
})
afterEach(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

async function start(instead: readonly (Instead | undefined)[] = []) {
  server = await startContractServer(instead)
  await writeFile(join(folder, 'fleet.key.pem'), server.signingKeyPem, { mode: 0o600 })
}

function device(...args: string[]) {
  return runHere([
    ...['device', '--thing', 'mydevice3', '--url', server.url, '--folder', folder],
    ...['--signing-key', join(folder, 'fleet.key.pem'), '--count', '0', ...args],
  ])
}

const read = (name: string) => readFile(join(folder, name), 'utf8')
const laterBody = '{"status":"error","message":"try again later"}'

describe('landfall device', () => {
  it('sends name and signature without Content-Type and keeps what it is given', async () => {
    await start()
    const run = await device()
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('eu-west-1, 13 km away') })
    const [request] = server.seen
    expect(request?.signed).toBe(true)
    expect(request?.headers['content-type']).toBeUndefined()
    expect(Object.keys(request?.body ?? {})).toEqual(['thing-name', 'thing-name-sig'])
    expect(await read('mydevice3.endpoint')).toBe('127.0.0.1::eu-west-1')
    expect(createPrivateKey(await read('mydevice3.device.key.pem')).asymmetricKeyType).toBe('rsa')
    expect((await stat(join(folder, 'mydevice3.device.key.pem'))).mode & 0o777).toBe(0o600)
  })

  it('shows neither key nor signature', async () => {
    await start()
    const run = await device('--json')
    const output = run.stdout + run.stderr
    expect(output).not.toContain('PRIVATE KEY')
    expect(output).not.toContain(server.seen[0]?.body['thing-name-sig'])
  })

  it.each(['ec', 'rsa'])(
    'sends a CSR for its own %s key with the thing name in it',
    async (type) => {
      await start()
      expect((await device('--own-key', '--key-type', type)).code).toBe(0)
      const request = new Pkcs10CertificateRequest(server.seen[0]?.body.CSR ?? '')
      expect(request.subject).toBe('CN=mydevice3')
      expect(await request.verify()).toBe(true)
      const key = createPublicKey(await read('mydevice3.device.key.pem'))
      expect(key.asymmetricKeyType).toBe(type)
      const sent = createPublicKey({
        key: Buffer.from(request.publicKey.rawData),
        format: 'der',
        type: 'spki',
      })
      expect(sent.equals(key)).toBe(true)
      expect(await read('mydevice3.device.csr.pem')).toBe(server.seen[0]?.body.CSR)
      expect((await stat(join(folder, 'mydevice3.device.key.pem'))).mode & 0o777).toBe(0o600)
    },
  )

  it('asks no second time once it has its identity', async () => {
    await start()
    await device('--own-key')
    const second = await device('--own-key', '--json')
    expect(server.seen).toHaveLength(1)
    expect(JSON.parse(second.stdout)).toMatchObject({ event: 'provisioned', known: true })
  })

  it('waits as long as Retry-After says and then sends the same key', async () => {
    const later = { status: 503, body: laterBody, headers: { 'retry-after': '1' } }
    await start(['drop-connection', later])
    const startedAt = performance.now()
    expect((await device('--own-key')).code).toBe(0)
    expect(performance.now() - startedAt).toBeGreaterThan(1000)
    expect(new Set(server.seen.map((it) => it.body.CSR)).size).toBe(1)
    expect(server.seen).toHaveLength(3)
  })

  it('keeps its key when it gives up, and asks with it at the next start', async () => {
    await start([{ status: 503, body: laterBody }])
    const first = await device('--own-key', '--retry-for', '0')
    expect(first).toMatchObject({ code: 1, stdout: '' })
    expect(first.stderr).toContain('error: the edge answers 503 try again later')
    const key = await read('mydevice3.device.key.pem')
    expect((await device()).code).toBe(0)
    expect(await read('mydevice3.device.key.pem')).toBe(key)
    const [before, after] = server.seen.map((it) => {
      const request = new Pkcs10CertificateRequest(it.body.CSR ?? '')
      return Buffer.from(request.publicKey.rawData).toString('hex')
    })
    expect(after).toBe(before)
  })

  it('is refused when it fakes its name, and keeps nothing', async () => {
    await start()
    const run = await device('--fake', '--own-key')
    expect(run.code).toBe(1)
    expect(run.stderr).toBe(
      '=> asking for mydevice3 with a CSR\n' +
        'error: the edge refuses mydevice3: wrong sig\n' +
        'hint: as it must: this request was forged\n',
    )
    expect(server.seen[0]).toMatchObject({ signed: false })
    expect(server.seen[0]?.body['thing-name']).toMatch(/^[0-9a-f]{8}-/)
    expect(await readdir(folder)).toEqual(['fleet.key.pem'])
  })

  it('keeps no certificate of another key', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const body = {
      status: 'success',
      region: 'eu-west-1',
      endpointAddress: '127.0.0.1',
      certificatePem: (await certifyKey(publicKey)).toString('pem'),
    }
    await start([{ status: 200, body: JSON.stringify(body) }])
    const run = await device('--own-key')
    expect(run).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('certificate of another'),
    })
    expect(await readdir(folder)).not.toContain('mydevice3.endpoint')
  })

  it('says what to do about a refusal', async () => {
    await start([{ status: 403, body: '{"status":"error","message":"you not"}' }])
    const run = await device()
    expect(run.code).toBe(1)
    expect(run.stderr).toContain('hint: mydevice3 isn’t in the allow-list, is blocked or was')
    expect(run.stderr).toContain('landfall allow show mydevice3')
  })

  it('names the field that an answer lacks', async () => {
    await start([{ status: 200, body: '{"status":"success","region":"eu-west-1"}' }])
    const run = await device()
    expect(run.code).toBe(1)
    expect(run.stderr).toContain('answered something else: endpointAddress')
  })

  it('lets no answer of an edge steer the terminal', async () => {
    const message = '\\u001b]0;mine\\u0007\\u001b[2Jyou\\rnot'
    await start([{ status: 403, body: `{"status":"error","message":"${message}"}` }])
    const run = await device()
    expect(run.stderr).toContain('error: the edge refuses mydevice3: younot')
  })

  it.each([
    [['--thing', '../x'], '--thing is no thing name'],
    [['--url', 'ftp://x'], '--url is no http or https URL'],
    [['--count', '-1'], "option '--count <n>' argument '-1' is invalid"],
    [['--qos', '2'], "option '--qos <level>' argument '2' is invalid"],
    [['--contract', 'seed', '--no-clock'], 'the seed contract has no --no-clock'],
    [['--contract', 'landfall'], '--url is the seed contract’s, and this device speaks the other'],
  ])('counts %s as misuse', async (args, message) => {
    await start()
    const run = await device(...args)
    expect(run).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) })
    expect(server.seen).toHaveLength(0)
  })
})

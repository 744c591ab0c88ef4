import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../device-key.ts'
import { addresses, type Stage, setStage, signedRequest } from '../../stage.ts'
import { tinyRows, tinyTable } from '../cli/geo/tiny-table.ts'

let stage: Stage

beforeAll(async () => {
  stage = await setStage(['eu-west-1', 'us-east-1'])
})
afterEach(() => stage.clearFaults())
afterAll(() => stage?.close())

describe('the server', () => {
  it('finishes what is under way when it is told to end', async () => {
    const edge = await stage.startEdge()
    await stage.allow('in-flight')
    await stage.fault({ kind: 'delay', operation: 'CreateThing', delayMs: 800 })
    const asking = edge.post(signedRequest(stage, 'in-flight'))
    await sleep(300)
    const ended = edge.stop('SIGTERM')
    expect((await asking).status).toBe(200)
    expect(await ended).toBe(0)
    await expect(edge.post(signedRequest(stage, 'in-flight'))).rejects.toThrow()
    expect((await stage.row('in-flight'))?.status).toBe('provisioned')
  })

  it('ends with whoever started it', async () => {
    const edge = await stage.startEdge()
    const ended = new Promise((resolve) => edge.child.once('exit', resolve))
    edge.child.disconnect()
    expect(await ended).toBe(0)
  })

  it('limits an address in front of the table, and only that one', async () => {
    const edge = await stage.startEdge({ addressLimit: { requests: 3, perSeconds: 60 } })
    await stage.clearCalls()
    const ask = (address: string) => edge.post(signedRequest(stage, 'unknown'), address)
    const statuses: number[] = []
    for (let i = 0; i < 5; i += 1) statuses.push((await ask('2001:db8:1:2::1')).status)
    expect(statuses).toEqual([403, 403, 403, 429, 429])
    const neighbour = await ask('2001:db8:1:2:ffff::9')
    expect(neighbour.status).toBe(429)
    expect(neighbour.body).toEqual({ status: 'error', message: 'try again later' })
    expect(Number(neighbour.retryAfter)).toBeGreaterThan(0)
    expect((await ask('2001:db8:1:3::1')).status).toBe(403)
    const reads = (await stage.calls()).filter((call) => call.operation === 'GetItem')
    expect(reads).toHaveLength(4)
    await edge.stop()
  })

  it('does not believe X-Forwarded-For from a peer that is no trusted proxy', async () => {
    const edge = await stage.startEdge({ trustedProxies: [] })
    await stage.allow('spoofed')
    const { body } = await edge.post(signedRequest(stage, 'spoofed'), '128.59.1.1')
    expect(body.region).toBe('eu-west-1')
    expect(body.message).toContain('no latitude or longitude for IP 127.0.0.1')
    const warned = { level: 'warn', source: 'geoip-lite', date: '2019-08-28' }
    expect(edge.log).toContainEqual(expect.objectContaining(warned))
    await edge.stop()
  })

  it('locates devices by the table that its configuration names', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'landfall-located-'))
    const locationFile = join(folder, 'location.bin')
    // No real data say so: the table decides.
    const boston = { lat: 42.36, lon: -71.06, country: 'US', confidence: 'normal' } as const
    writeFileSync(
      locationFile,
      tinyTable([['134.226.0.0', '134.226.255.255', boston]], tinyRows.v6),
    )
    const edge = await stage.startEdge({ locationFile })
    await stage.allow('located')
    const { body } = await edge.post(signedRequest(stage, 'located'), addresses.dublin)
    expect(body.region).toBe('us-east-1')
    const told = { level: 'info', msg: 'location data', source: 'dbip', date: '2026-06-05' }
    expect(edge.log).toContainEqual(expect.objectContaining(told))
    await edge.stop()
    rmSync(folder, { recursive: true })
  })

  it('reads the endpoint addresses at start where they are not configured', async () => {
    await stage.clearCalls()
    const deviceRegions = stage.aws.regions.map(({ region, edgeRoleArn }) => ({
      region,
      roleArn: edgeRoleArn,
    }))
    const edge = await stage.startEdge({ deviceRegions })
    await stage.allow('asked-endpoint-1', 'asked-endpoint-2')
    const { body } = await edge.post(signedRequest(stage, 'asked-endpoint-1'))
    await edge.post(signedRequest(stage, 'asked-endpoint-2'))
    expect(body.endpointAddress).toBe(stage.aws.regions[0]?.endpointAddress)
    const reads = (await stage.calls()).filter((call) => call.operation === 'DescribeEndpoint')
    expect(reads).toHaveLength(2)
    await edge.stop()
  })

  it('answers /healthz with 503 while its table can not be read, and requests with 503 too', async () => {
    const times = { aws: { connectSeconds: 0.3, requestSeconds: 0.3 }, deadlineSeconds: 3 }
    const edge = await stage.startEdge(times)
    await stage.fault({ kind: 'error-before', service: 'dynamodb', times: null })
    const health = await fetch(`${edge.url}/healthz`)
    expect(health.status).toBe(503)
    expect(await health.json()).toMatchObject({ status: 'failing', allowList: 'unreadable' })
    const answer = await edge.post(signedRequest(stage, 'unknown'))
    expect([answer.status, answer.body.message]).toEqual([503, 'try again later'])
    expect(answer.retryAfter).not.toBe(null)
    await stage.clearFaults()
    expect((await fetch(`${edge.url}/healthz`)).status).toBe(200)
    await edge.stop()
  })

  it('answers a client that never ends its body within the deadline', async () => {
    const edge = await stage.startEdge({ deadlineSeconds: 0.5 })
    const { hostname, port } = new URL(edge.url)
    const headers = { 'Content-Length': '100' }
    const client = request({
      hostname,
      port,
      method: 'POST',
      path: '/device-provisioning',
      headers,
    })
    client.on('error', () => {})
    client.write('{')
    const [answer] = await once(client, 'response')
    expect(answer.statusCode).toBe(503)
    client.destroy()
    expect(await edge.stop()).toBe(0)
  })

  it('listens though a region and STS say nothing', async () => {
    await stage.fault({ kind: 'hang', operation: 'AssumeRole', times: null })
    const edge = await stage.startEdge({ aws: { connectSeconds: 20, requestSeconds: 20 } })
    expect((await fetch(`${edge.url}/healthz`)).status).toBe(200)
    await edge.stop()
  })

  it('keeps a provisioned device served where its product has no enabled region left', async () => {
    const edge = await stage.startEdge()
    await stage.allow('kept', 'homeless')
    const { csr } = await makeDeviceKey('kept')
    const first = await edge.post(signedRequest(stage, 'kept', csr), '128.59.1.1')
    expect(first.body.region).toBe('us-east-1')
    const deviceRegions = stage.aws.regions
      .filter((it) => it.region === 'us-east-1')
      .map(({ region, edgeRoleArn }) => ({ region, roleArn: edgeRoleArn }))
    await stage.setRegionPolicy({ defaultRegion: 'eu-west-1', allowedRegions: ['eu-west-1'] })
    const reduced = await stage.startEdge({ deviceRegions })
    const again = await reduced.post(signedRequest(stage, 'kept', csr), '127.0.0.9')
    expect([again.status, again.body.certificatePem]).toEqual([200, first.body.certificatePem])
    expect((await reduced.post(signedRequest(stage, 'homeless'), '127.0.0.9')).status).toBe(503)
    const logged = () => reduced.log.find((it) => it.thingName === 'homeless')
    await expect.poll(logged).toMatchObject({
      reason: 'region-not-configured',
      placement: 'no region of the policy can be used: eu-west-1 (not enabled)',
    })
    await stage.setRegionPolicy()
  })

  it('tells a device whose CSR AWS IoT refuses so, and frees it', async () => {
    const edge = await stage.startEdge()
    await stage.allow('odd-csr')
    const { csr } = await makeDeviceKey('odd-csr')
    const error = { code: 'InvalidRequestException', status: 400, message: 'no' }
    const operation = 'CreateCertificateFromCsr'
    await stage.fault({ kind: 'error-before', operation, times: null, error })
    const { status, body } = await edge.post(signedRequest(stage, 'odd-csr', csr))
    expect([status, body.message]).toEqual([400, 'invalid CSR: AWS IoT does not take it'])
    expect((await stage.row('odd-csr'))?.status).toBe('unprovisioned')
  })

  it('goes on with the last good products while the control table can not be read', async () => {
    const edge = await stage.startEdge({ productRefreshSeconds: 0.001 })
    await stage.allow('last-good')
    await stage.fault({ kind: 'error-before', operation: 'Query', times: null })
    expect((await edge.post(signedRequest(stage, 'last-good'))).status).toBe(200)
    const health = await fetch(`${edge.url}/healthz`)
    expect(await health.json()).toMatchObject({
      status: 'ok',
      products: expect.stringContaining('unreadable since'),
    })
    await edge.stop()
  })
})

describe('its command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'landfall-server-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['app/edge/server.ts', ...args], { encoding: 'utf8' })
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }

  it('reports every problem of a wrong configuration, and starts nothing', () => {
    const config = file(
      'wrong.yaml',
      'deviceRegions:\n  - region: mars-north-1\nlisten: {port: x}\n',
    )
    const { status, stderr } = run('--config', config)
    expect(status).toBe(1)
    expect(stderr).toContain('error: the configuration is wrong:')
    expect(stderr).toContain('deviceRegions.0.region: "mars-north-1" is no Region')
    expect(stderr).toContain('deviceRegions.0.roleArn: ')
    expect(stderr).toContain('listen.port: ')
    expect(stderr).toContain('region: ')
    expect(stderr).not.toContain('    at ')
  })

  it.each([
    ['without --config', [], 2, '--config is missing'],
    ['with a flag it does not know', ['--nonsense'], 2, '--nonsense'],
    ['with a file that is not there', ['--config', '/nonexistent.yaml'], 1, 'ENOENT'],
  ])('fails clearly %s', (_, args, code, message) => {
    const { status, stderr } = run(...args)
    expect(status).toBe(code)
    expect(stderr).toMatch(/^error: /)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('    at ')
  })
})

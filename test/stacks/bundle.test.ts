import { createPublicKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compactVerify, createLocalJWKSet } from 'jose'
import { connectAsync } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { routes } from '../../stacks/routes.ts'
import { makeDeviceKey } from '../device-key.ts'
import { type Certified, certifyDevice, factoryCa, makeAuthority, x5c } from '../factory.ts'
import { standingCertificates } from '../identities.ts'
import { compact, csrMember, signRequest } from '../landfall-request.ts'
import { addresses, type Stage, signedRequest } from '../stage.ts'
import { privateNumbers } from './deployments.ts'
import { httpApiEvent } from './http-api-event.ts'
import type { RunningLambda, ShippedLambda } from './shipped-lambda.ts'
import { type ShippedStage, shipStage } from './shipped-stage.ts'

const megabyte = 1024 * 1024
const stageName = 'ada'
const regions = ['eu-west-1', 'us-east-1']

let shipped: ShippedStage
let stage: Stage
let edge: ShippedLambda
let sweeper: ShippedLambda
let lambda: RunningLambda
let factory: Certified

beforeAll(async () => {
  shipped = await shipStage(stageName, regions)
  ;({ stage, edge, sweeper } = shipped)
})
// A hook of its own: each has its own time.
beforeAll(async () => {
  factory = await makeAuthority('factory')
  await stage.changeProduct({ factoryCas: [factoryCa('factory', factory)] })
  lambda = await shipped.start(edge, 'edge')
})
afterAll(async () => await shipped?.close())

const answerSchema = z.object({
  statusCode: z.number(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
  isBase64Encoded: z.literal(false),
})
type Answer = z.infer<typeof answerSchema>

async function invoke(lambda: RunningLambda, ...asked: Parameters<typeof httpApiEvent>) {
  return answerSchema.parse(await lambda.invoke(httpApiEvent(...asked)))
}

/** Success with what it should have; else the test tells what came instead. */
function successOf<Schema extends z.ZodType>({ statusCode, body }: Answer, schema: Schema) {
  expect(statusCode, body).toBe(200)
  return schema.parse(JSON.parse(body))
}

const seedSuccess = z.object({
  status: z.literal('success'),
  region: z.string(),
  endpointAddress: z.string(),
  certificatePem: z.string(),
})
const jwkSet = z.object({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string() })) })

const landfallSuccess = z.object({
  thingName: z.string(),
  region: z.string(),
  certificateId: z.string(),
  certificatePem: z.string(),
  receipt: z.string(),
})

/** One request without a body to each route that is deployed. */
const answers = Object.entries({
  'ANY /device-provisioning': ['/device-provisioning', 400],
  'ANY /v1/provision': ['/v1/provision', 415],
  'ANY /v1/nonce': ['/v1/nonce', 204],
  'ANY /v1/jwks': ['/v1/jwks', 200],
  'GET /openapi.json': ['/openapi.json', 200],
  'GET /docs': ['/docs', 200],
  'GET /problems/{name}': ['/problems/stale-request', 200],
  'GET /healthz': ['/healthz', 200],
} satisfies Record<(typeof routes)[number], [string, number]>).map(
  ([routeKey, [path, status]]) => [path, routeKey, status] as const,
)
const methodOf = (path: string) => (path.includes('provision') ? 'POST' : 'GET')

describe('the Lambdas as they would be shipped', () => {
  it('hold code, configuration and table, and keep within their sizes', () => {
    const others = ({ files }: ShippedLambda) =>
      new Set([...files.keys()].filter((it) => !/^(bundle|[\w.-]+-[A-Z0-9]{8})\.mjs$/.test(it)))
    expect(others(edge)).toEqual(new Set(['landfall.json', 'location.bin', 'resource.enc']))
    expect(others(sweeper)).toEqual(new Set(['landfall.json', 'resource.enc']))
    const mebibytes = (bytes: number) => (bytes / megabyte).toFixed(2)
    for (const [name, it] of Object.entries({ edge, sweeper })) {
      const [code, start, zipped] = [it.codeBytes, it.startBytes, it.zippedBytes].map(mebibytes)
      process.stdout.write(
        `${name}: code ${code} MiB, ${start} of them at start; package ${zipped} MiB zipped\n`,
      )
      expect(it.startBytes).toBeGreaterThan(0)
      expect(it.startBytes).toBeLessThanOrEqual(1.05 * megabyte)
      expect(it.codeBytes).toBeLessThanOrEqual(1.6 * megabyte)
      expect(it.zippedBytes).toBeLessThanOrEqual(25 * megabyte)
    }
    // The other source of locations, which the edge asks for only where it has no table.
    expect(edge.foreignImports).toEqual(['geoip-lite'])
    expect(sweeper.foreignImports).toEqual([])
  })

  it('have the router’s keys in the edge’s environment, and no secret in a package', async () => {
    expect(Object.keys(edge.environment)).toEqual(['LANDFALL_ROUTER_KEYS'])
    expect(sweeper.environment).toEqual({})
    for (const { folder, files } of [edge, sweeper]) {
      // Nothing is linked: `{}` and the tag of AES-GCM.
      expect(files.get('resource.enc')).toBe(18)
      for (const name of [...files.keys()].filter((it) => it !== 'location.bin')) {
        const text = await readFile(join(folder, name), 'latin1')
        expect(privateNumbers.filter((it) => text.includes(it)).length, name).toBe(0)
      }
    }
  })

  it.each(answers)('answer at %s, deployed as %s, with %i', async (path, routeKey, status) => {
    const [deployed = ''] = routeKey.split(' ')
    const method = deployed === 'ANY' ? methodOf(path) : deployed
    const ask = (asked: string) => invoke(lambda, { routeKey, method: asked, path })
    expect((await ask(method)).statusCode).toBe(status)
    if (deployed !== 'ANY') return
    const { statusCode, headers } = await ask('PUT')
    expect([statusCode, headers.allow?.split(', ')[0]]).toEqual([405, method])
  })

  it('provision a device that its factory certified, with a receipt that verifies', async () => {
    await stage.allow('boiler-1', 'boiler-2')
    const { key, csr } = await makeDeviceKey('boiler-1')
    const device = await certifyDevice(factory, 'boiler-1')
    const ask = async (sub: string, certified: Certified) => {
      const claims = { sub, aud: `landfall-${stageName}`, csr: csrMember(csr) }
      const header = { x5c: x5c(certified) }
      const body = compact(await signRequest(certified.signingKey, claims, header))
      return await invoke(lambda, {
        routeKey: 'ANY /v1/provision',
        method: 'POST',
        path: '/v1/provision',
        sourceIp: addresses.newYork,
        contentType: 'application/jose',
        body,
      })
    }
    const answer = successOf(await ask('boiler-1', device), landfallSuccess)
    expect(answer).toMatchObject({ thingName: 'boiler-1', region: 'us-east-1' })
    const { publicKey } = new X509Certificate(answer.certificatePem)
    expect(publicKey.equals(createPublicKey(key))).toBe(true)

    const jwks = await invoke(lambda, {
      routeKey: 'ANY /v1/jwks',
      method: 'GET',
      path: '/v1/jwks',
    })
    const { keys } = jwkSet.parse(JSON.parse(jwks.body))
    expect(keys).toHaveLength(privateNumbers.length)
    const { payload } = await compactVerify(answer.receipt, createLocalJWKSet({ keys }))
    expect(JSON.parse(new TextDecoder().decode(payload))).toMatchObject({
      iss: `landfall-${stageName}`,
      sub: 'boiler-1',
      region: 'us-east-1',
      certificateId: answer.certificateId,
    })

    // The same certificate for another name, and another factory's for that name.
    const forged = await certifyDevice(await makeAuthority('factory'), 'boiler-2')
    for (const certified of [device, forged]) {
      const refused = await ask('boiler-2', certified)
      expect([refused.statusCode, JSON.parse(refused.body).type]).toEqual([
        403,
        '/problems/not-authorized',
      ])
    }
  })

  it('provision a device of the seed contract, whose certificate then opens a connection', async () => {
    await stage.allow('meter-1', 'meter-2')
    const { key, csr } = await makeDeviceKey('meter-1')
    const ask = async (name: string, sourceIp: string, request?: string) =>
      successOf(
        await invoke(lambda, {
          routeKey: 'ANY /device-provisioning',
          method: 'POST',
          path: '/device-provisioning',
          sourceIp,
          body: JSON.stringify(signedRequest(stage, name, request)),
        }),
        seedSuccess,
      )
    const answer = await ask('meter-1', addresses.newYork, csr)
    expect(answer.region).toBe('us-east-1')
    expect(await ask('meter-1', addresses.newYork, csr)).toEqual(answer)
    expect((await ask('meter-2', addresses.dublin)).region).toBe('eu-west-1')

    const certificate = new X509Certificate(answer.certificatePem)
    expect(certificate.subject).toContain('CN=')
    expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now())
    const standing = await standingCertificates(stage)
    expect(standing.find((it) => it.things.includes('meter-1'))).toMatchObject({
      region: 'us-east-1',
      active: true,
      policies: [`LandfallDevice-${stageName}`],
    })

    const { mqttPort } = stage.aws.regions.find((it) => it.region === answer.region) ?? {}
    const client = await connectAsync(`mqtts://${answer.endpointAddress}:${mqttPort}`, {
      clientId: 'meter-1',
      key,
      cert: answer.certificatePem,
      ca: stage.aws.caPem,
      reconnectPeriod: 0,
    })
    try {
      const heard = new Promise((resolve) =>
        client.once('message', (topic, payload) => resolve([topic, payload.toString()])),
      )
      await client.subscribeAsync('data/meter-1/#')
      await client.publishAsync('data/meter-1/reading', '21', { qos: 1 })
      expect(await heard).toEqual(['data/meter-1/reading', '21'])
    } finally {
      await client.endAsync(true)
    }
  })

  it('sweep when the schedule calls, without the router’s keys', async () => {
    const sweeping = await shipped.start(sweeper, 'operator')
    expect(await sweeping.invoke({})).toEqual({ complete: true })
    // The log comes by a pipe of its own, maybe after the answer.
    await expect.poll(() => sweeping.log.length).toBeGreaterThan(0)
    expect(await stage.violations()).toEqual([])
  })

  it('count who is not authorized, as an alarm and the dashboard watch it', async () => {
    const metrics = z.object({
      notAuthorized: z.literal(1),
      _aws: z.object({
        CloudWatchMetrics: z.tuple([
          z.object({ Namespace: z.string(), Dimensions: z.array(z.array(z.string())) }),
        ]),
      }),
    })
    const lines = () =>
      lambda.log
        .filter((it) => it.reason === 'wrong-sig')
        .flatMap((it) => metrics.safeParse(it).data ?? [])
    await expect.poll(() => lines().length).toBe(2)
    const [{ Namespace, Dimensions }] = lines()[0]?._aws.CloudWatchMetrics ?? [{}]
    const find = (name: string) => shipped.program.resources.find((it) => it.name === name)?.inputs
    expect(find('AlarmEuWest1NotAuthorized')).toMatchObject({
      namespace: Namespace,
      metricName: 'notAuthorized',
      dimensions: { edge: 'eu-west-1' },
    })
    expect(Dimensions).toEqual(expect.arrayContaining([['edge'], ['edge', 'reason']]))
    const shown = [Namespace, 'notAuthorized', 'edge', 'eu-west-1', 'reason', 'wrong-sig']
    expect(find('Dashboard')?.dashboardBody).toContain(JSON.stringify(shown).slice(0, -1))
  })

  it('log neither keys nor signatures', () => {
    const text = JSON.stringify(lambda.log)
    expect(text).toContain('boiler-1')
    expect(privateNumbers.filter((it) => text.includes(it)).length).toBe(0)
    expect(text).not.toMatch(/eyJ[\w-]+\.[\w-]+\.|PRIVATE KEY/)
  })
})

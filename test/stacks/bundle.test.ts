import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreatePolicyCommand } from '@aws-sdk/client-iot'
import { connectAsync } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { makeDeviceKey } from '../device-key.ts'
import { standingCertificates } from '../identities.ts'
import { addresses, edgeRegion, type Stage, setStage, signedRequest } from '../stage.ts'
import { checkout, type Program, runProgram } from './program.ts'
import {
  type RunningLambda,
  type ShippedLambda,
  startLambda,
  unpackLambda,
} from './shipped-lambda.ts'

const megabyte = 1024 * 1024
const stageName = 'ada'
const regions = ['eu-west-1', 'us-east-1']

/** A plan for the stand-in, whose tables have the seed's names. */
const plan = `
  export const stages = {}
  export const personalStage = {
    edges: ['${edgeRegion}'],
    deviceRegions: ${JSON.stringify(regions.map((region) => ({ region })))},
    tables: { allowList: 'iot-global-provisioning', control: 'iot-global-control' },
  }`

let work: string
let stage: Stage
let program: Program
let edge: ShippedLambda
let sweeper: ShippedLambda
const running: RunningLambda[] = []

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'landfall-bundle-'))
  const locationFile = join(work, 'geoip-lite.bin')
  const build = [
    'geo',
    'build',
    '--source',
    'geoip-lite',
    '--allow-stale',
    '--output',
    locationFile,
  ]
  const [opened] = await Promise.all([
    setStage(regions),
    promisify(execFile)(process.execPath, ['app/cli/main.ts', ...build], { cwd: checkout }),
  ])
  stage = opened
  const { aws } = stage
  program = await runProgram({
    stage: stageName,
    account: aws.accountId,
    replace: { 'stacks/stages.ts': plan },
    env: { AWS_ENDPOINT_URL_DYNAMODB: aws.awsEndpointUrl, ...variablesOf(aws.operator) },
    locationFile,
    keep: join(work, 'program'),
  })
  if (program.error !== undefined) throw new Error(program.error)
  edge = await unpackLambda(program, join(work, 'program'), 'EdgeEuWest1')
  sweeper = await unpackLambda(program, join(work, 'program'), 'Sweeper')
  for (const lambda of [edge, sweeper]) await pointAtStandIn(lambda)
  await createDevicePolicies()
})
afterAll(async () => {
  for (const lambda of running) lambda.stop()
  await stage?.close()
  await rm(work, { recursive: true, force: true })
})

function variablesOf(key: { accessKeyId: string; secretAccessKey: string }) {
  return { AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey }
}

/** The stand-in has roles of its own names, and its endpoints are addresses of this machine. */
async function pointAtStandIn({ folder }: ShippedLambda): Promise<void> {
  const file = join(folder, 'landfall.json')
  const packed = z
    .looseObject({ deviceRegions: z.array(z.looseObject({ region: z.string() })) })
    .parse(JSON.parse(await readFile(file, 'utf8')))
  expect(packed.deviceRegions.map((it) => it.region)).toEqual(regions)
  const deviceRegions = packed.deviceRegions.map((planned) => {
    const here = stage.aws.regions.find((it) => it.region === planned.region)
    const { edgeRoleArn: roleArn, sweeperRoleArn, endpointAddress } = here ?? {}
    return { ...planned, roleArn, sweeperRoleArn, endpointAddress }
  })
  await writeFile(file, JSON.stringify({ ...packed, deviceRegions }))
}

/** Makes the device policies that the program asks for, so that the brokers enforce those. */
async function createDevicePolicies(): Promise<void> {
  const policies = program.resources.filter((it) => it.type === 'aws:iot/policy:Policy')
  expect(policies.map((it) => it.region).sort()).toEqual(regions)
  for (const { region = '', inputs } of policies) {
    const { name, policy } = z.object({ name: z.string(), policy: z.string() }).parse(inputs)
    const iot = stage.iot(region)
    await iot.send(new CreatePolicyCommand({ policyName: name, policyDocument: policy }))
    iot.destroy()
  }
}

async function start(lambda: ShippedLambda, key: 'edge' | 'operator'): Promise<RunningLambda> {
  const started = await startLambda(lambda, {
    AWS_REGION: edgeRegion,
    AWS_ENDPOINT_URL: stage.aws.awsEndpointUrl,
    ...variablesOf(stage.aws[key]),
  })
  running.push(started)
  return started
}

/** A request as an HTTP API hands it over (payload format 2.0); a body without a type comes as base64. */
function httpApiEvent(body: unknown, sourceIp: string) {
  const routeKey = 'POST /device-provisioning'
  const path = '/device-provisioning'
  const domainName = `a1b2c3d4e5.execute-api.${edgeRegion}.amazonaws.com`
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: '',
    headers: { host: domainName, 'x-forwarded-for': sourceIp, 'x-forwarded-proto': 'https' },
    requestContext: {
      accountId: stage.aws.accountId,
      apiId: 'a1b2c3d4e5',
      domainName,
      domainPrefix: 'a1b2c3d4e5',
      http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp, userAgent: '' },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey,
      stage: '$default',
      time: '12/Mar/2026:19:03:58 +0000',
      timeEpoch: 1_773_342_238_000,
    },
    body: Buffer.from(JSON.stringify(body)).toString('base64'),
    isBase64Encoded: true,
  }
}

const answerSchema = z.object({
  statusCode: z.number(),
  body: z.string().transform((text): unknown => JSON.parse(text)),
})
const successSchema = z.object({
  status: z.literal('success'),
  region: z.string(),
  endpointAddress: z.string(),
  certificatePem: z.string(),
})

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

  it('provisions a device that calls, whose certificate then opens a connection', async () => {
    const lambda = await start(edge, 'edge')
    await stage.allow('meter-1', 'meter-2')
    const { key, csr } = await makeDeviceKey('meter-1')
    const ask = async (name: string, sourceIp: string, request?: string) => {
      const event = httpApiEvent(signedRequest(stage, name, request), sourceIp)
      const { statusCode, body } = answerSchema.parse(await lambda.invoke(event))
      expect(statusCode, JSON.stringify(body)).toBe(200)
      return successSchema.parse(body)
    }
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

  it('sweeps when the schedule calls', async () => {
    const lambda = await start(sweeper, 'operator')
    expect(await lambda.invoke({})).toEqual({ complete: true })
    // The log comes by a pipe of its own, maybe after the answer.
    await expect.poll(() => lambda.log.length).toBeGreaterThan(0)
    expect(await stage.violations()).toEqual([])
  })
})

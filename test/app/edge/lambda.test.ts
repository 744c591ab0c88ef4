import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addresses, edgeRegion, type Stage, setStage, signedRequest } from '../../stage.ts'

/** Stands where the Lambda runtime stands: loads the handler, and hands it one event at a time. */
const runtime = `
const { handler } = await import(process.argv[2])
process.send('ready')
process.on('message', async ({ event, millisecondsLeft }) => {
  const context = { getRemainingTimeInMillis: () => millisecondsLeft }
  process.send(await handler(event, context))
})
`

let stage: Stage
let folder: string
let lambda: ChildProcess
const log: Record<string, unknown>[] = []

beforeAll(async () => {
  stage = await setStage(['eu-west-1', 'us-east-1'])
  folder = await mkdtemp(join(tmpdir(), 'landfall-lambda-'))
  const file = join(folder, 'runtime.mjs')
  await writeFile(file, runtime)
  const config = {
    region: edgeRegion,
    metricsNamespace: 'Landfall/test',
    deviceRegions: stage.aws.regions.map(({ region, edgeRoleArn }) => ({
      region,
      roleArn: edgeRoleArn,
    })),
  }
  await writeFile(join(folder, 'landfall.json'), JSON.stringify(config))
  lambda = fork(file, [join(process.cwd(), 'app/edge/lambda.ts')], {
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      AWS_ENDPOINT_URL: stage.aws.awsEndpointUrl,
      AWS_ACCESS_KEY_ID: stage.aws.edge.accessKeyId,
      AWS_SECRET_ACCESS_KEY: stage.aws.edge.secretAccessKey,
    },
    // Where Lambda unpacks a function, and with the name that the package has there.
    cwd: folder,
    silent: true,
  })
  if (lambda.stdout === null) throw new Error('the Lambda has no output')
  createInterface(lambda.stdout).on('line', (line) => log.push(JSON.parse(line)))
  await once(lambda, 'message')
})
afterAll(async () => {
  lambda?.kill()
  await stage?.close()
  await rm(folder, { recursive: true, force: true })
})

type Result = { statusCode: number; headers: Record<string, string>; body: string }

/** An HTTP API event, payload format 2.0 (API Gateway, "Working with AWS Lambda proxy integrations"). */
async function invoke(
  path: string,
  body: string | undefined,
  options: { sourceIp?: string; headers?: Record<string, string>; millisecondsLeft?: number } = {},
): Promise<Result> {
  const method = body === undefined ? 'GET' : 'POST'
  const event = {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: '',
    headers: { host: 'provision.example.com', ...options.headers },
    requestContext: {
      accountId: '123456789012',
      apiId: 'api',
      domainName: 'provision.example.com',
      http: {
        method,
        path,
        protocol: 'HTTP/1.1',
        sourceIp: options.sourceIp ?? addresses.newYork,
        userAgent: 'device',
      },
      requestId: 'request-1',
      stage: '$default',
      time: '22/Nov/2026:12:00:00 +0000',
      timeEpoch: 1_795_000_000_000,
    },
    ...(body === undefined ? {} : { body: Buffer.from(body).toString('base64') }),
    isBase64Encoded: body !== undefined,
  }
  const answered = once(lambda, 'message')
  lambda.send({ event, millisecondsLeft: options.millisecondsLeft ?? 28_000 })
  const [result] = await answered
  return result
}

describe('the Lambda', () => {
  it('provisions a device placed by the source address that API Gateway vouches for', async () => {
    await stage.allow('lambda-1')
    const result = await invoke(
      '/device-provisioning',
      JSON.stringify(signedRequest(stage, 'lambda-1')),
      { headers: { 'x-forwarded-for': addresses.dublin } },
    )
    expect(result.statusCode).toBe(200)
    expect(JSON.parse(result.body)).toMatchObject({ status: 'success', region: 'us-east-1' })
    expect(result.headers['x-request-id']).toBe('request-1')
    expect((await stage.row('lambda-1'))?.region).toBe('us-east-1')
    const line = () => log.find((it) => it.requestId === 'request-1')
    await expect.poll(line).toMatchObject({
      outcome: 'provisioned',
      edge: edgeRegion,
      _aws: { CloudWatchMetrics: [{ Namespace: 'Landfall/test' }] },
    })
  })

  it('refuses, and answers other routes, as the server does', async () => {
    const refused = await invoke(
      '/device-provisioning',
      JSON.stringify(signedRequest(stage, 'unknown')),
    )
    expect([refused.statusCode, JSON.parse(refused.body).message]).toEqual([403, 'you not'])
    expect((await invoke('/healthz', undefined)).statusCode).toBe(200)
    expect((await invoke('/nothing', undefined)).statusCode).toBe(404)
    expect((await invoke('/device-provisioning', undefined)).statusCode).toBe(405)
  })

  it("answers before Lambda's own hard stop", async () => {
    await stage.allow('lambda-2')
    await stage.fault({ kind: 'hang', operation: 'CreateThing', times: null })
    const startedAt = Date.now()
    const result = await invoke(
      '/device-provisioning',
      JSON.stringify(signedRequest(stage, 'lambda-2')),
      { millisecondsLeft: 2500 },
    )
    expect(result.statusCode).toBe(503)
    expect(Date.now() - startedAt).toBeLessThan(2500)
    await stage.clearFaults()
  })
})

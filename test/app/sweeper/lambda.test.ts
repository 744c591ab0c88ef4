import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { CreateKeysAndCertificateCommand } from '@aws-sdk/client-iot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Stage, setStage } from '../../stage.ts'
import { sweeperConfig } from '../../sweeping.ts'

/** Stands where the Lambda runtime stands: loads the handler, and hands it one event at a time. */
const runtime = `
const { handler } = await import(process.argv[2])
process.send('ready')
process.on('message', async ({ event, millisecondsLeft }) => {
  const context = { getRemainingTimeInMillis: () => millisecondsLeft }
  process.send(await handler(event, context).catch((error) => ({ error: error.name })))
})
`

let stage: Stage
let folder: string
let lambda: ChildProcess
const log: Record<string, unknown>[] = []

beforeAll(async () => {
  stage = await setStage(['eu-west-1', 'us-east-1'])
  await stage.allow('one')
  folder = await mkdtemp(join(tmpdir(), 'landfall-sweeper-'))
  const file = join(folder, 'runtime.mjs')
  await writeFile(file, runtime)
  const configFile = join(folder, 'sweeper.json')
  const config = sweeperConfig(stage, { dedicatedRegions: ['eu-west-1'] })
  await writeFile(configFile, JSON.stringify({ ...config, metricsNamespace: 'Landfall/test' }))
  lambda = fork(file, [join(process.cwd(), 'app/sweeper/lambda.ts')], {
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      AWS_ENDPOINT_URL: stage.aws.awsEndpointUrl,
      AWS_ACCESS_KEY_ID: stage.aws.operator.accessKeyId,
      AWS_SECRET_ACCESS_KEY: stage.aws.operator.secretAccessKey,
      LANDFALL_CONFIG_FILE: configFile,
    },
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

async function invoke(event: unknown, millisecondsLeft = 60_000): Promise<unknown> {
  log.length = 0
  const answered = once(lambda, 'message')
  lambda.send({ event, millisecondsLeft })
  const [result] = await answered
  return result
}

describe('the scheduled sweep', () => {
  it('sweeps by the defaults, and tells metrics in all and by region', async () => {
    const iot = stage.iot('eu-west-1')
    await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true }))
    iot.destroy()
    expect(await invoke({})).toEqual({ complete: true })
    await expect.poll(() => log.length).toBe(3)
    const [first] = log.filter((line) => line.region === 'eu-west-1')
    // Younger than an hour: kept, and nothing to tell as a metric.
    expect(first).toMatchObject({ msg: 'sweep of a region', seen: 1, kept: 1 })
    expect(first?._aws).toBeUndefined()
    const [whole] = log.filter((line) => line.msg === 'sweep')
    expect(whole).toMatchObject({
      sweepDestroyed: 0,
      sweepFinished: 0,
      sweepExpired: 0,
      sweepReported: 0,
      sweepFailed: 0,
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'Landfall/test',
            Dimensions: [[]],
            Metrics: expect.arrayContaining([{ Name: 'sweepDestroyed', Unit: 'Count' }]),
          },
        ],
      },
    })
    expect(JSON.stringify(log)).not.toContain('BEGIN')
  })

  it('takes no younger age than the command does', async () => {
    expect(await invoke({ olderThanSeconds: 60 })).toEqual({ error: 'ZodError' })
  })

  it('counts in all what it finds in no region, and tells it', async () => {
    const Item = { thing_name: { S: 'by-hand' }, prov_status: { S: 'nonsense' } }
    await stage.dynamoDb.send(new PutItemCommand({ TableName: 'iot-global-provisioning', Item }))
    expect(await invoke({})).toEqual({ complete: true })
    const whole = () => log.find((line) => line.msg === 'sweep')
    await expect.poll(whole).toMatchObject({
      sweepReported: 1,
      reported: [{ why: 'unreadable-row', thingName: 'by-hand' }],
    })
  })

  it('counts as failed where a region fails, and says which', async () => {
    await stage.fault({ kind: 'error-before', service: 'iot', region: 'us-east-1', times: null })
    expect(await invoke({})).toEqual({ error: 'Error' })
    await stage.clearFaults()
    const failed = () => log.find((line) => line.region === 'us-east-1')
    await expect.poll(failed).toMatchObject({
      level: 'error',
      sweepFailed: 1,
      _aws: { CloudWatchMetrics: [{ Dimensions: [['region']] }] },
    })
  })

  it('ends before Lambda’s own hard stop', async () => {
    await stage.fault({ kind: 'hang', service: 'iot', times: null })
    const startedAt = Date.now()
    expect(await invoke({}, 11_000)).toEqual({ error: 'TimeoutError' })
    expect(Date.now() - startedAt).toBeLessThan(5000)
    await stage.clearFaults()
  })
})

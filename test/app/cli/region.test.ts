import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { putBreaker } from '../../../app/region-status/status-table.ts'
import { type EdgeProcess, type Stage, setStage, signedRequest } from '../../stage.ts'
import { writeStageJson } from '../../stage-json.ts'
import { runHere } from './run-here.ts'

let stage: Stage
let edge: EdgeProcess
let folder: string
let localJson: string

beforeAll(async () => {
  stage = await setStage(['eu-west-1', 'eu-central-1', 'us-east-1'])
  folder = await mkdtemp(join(tmpdir(), 'landfall-region-'))
  localJson = await writeStageJson(stage, folder)
  edge = await stage.startEdge({ productRefreshSeconds: 0.05 })
})
afterAll(async () => {
  await stage?.close()
  await rm(folder, { recursive: true, force: true })
})

const region = (...args: string[]) => runHere(['region', ...args, '--local', localJson])

async function list(): Promise<Record<string, unknown>[]> {
  const { stdout } = await region('list', '--json')
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

async function landing(thingName: string): Promise<unknown> {
  await stage.allow(thingName)
  // The edge looks at the table again.
  await sleep(60)
  return (await edge.post(signedRequest(stage, thingName))).body.region
}

describe('landfall region', () => {
  it('drains a region and restores it, at a running edge, and says who did so and why', async () => {
    expect(await landing('before')).toBe('eu-west-1')
    const drained = await region('drain', 'eu-west-1', '--note', 'AWS reports errors')
    expect(drained).toMatchObject({ code: 0, stderr: '' })
    expect(drained.stdout).toMatch(/^eu-west-1 drains: within 10 s/)
    expect(await landing('meanwhile')).toBe('eu-central-1')
    expect((await list())[0]).toMatchObject({
      region: 'eu-west-1',
      status: 'draining',
      by: `arn:aws:iam::${stage.aws.accountId}:user/operator`,
      note: 'AWS reports errors',
    })
    expect((await region('list')).stdout).toMatch(
      /eu-west-1 +draining since \d{4}-\S+Z \(AWS reports errors\)/,
    )
    expect((await region('drain', 'eu-west-1')).stdout).toBe('eu-west-1 was draining already\n')
    expect((await region('restore', 'eu-west-1')).code).toBe(0)
    expect(await landing('after')).toBe('eu-west-1')
    expect((await region('restore', 'eu-west-1')).stdout).toBe('eu-west-1 was active already\n')
  })

  it('lists role, endpoint, quotas and how each edge’s breaker stands', async () => {
    const control = {
      client: stage.dynamoDb,
      table: 'iot-global-control',
      signal: AbortSignal.timeout(10_000),
    }
    const now = Date.now()
    const rows = [
      { edge: 'eu-west-1', until: now + 60_000 },
      { edge: 'eu-central-1', until: now - 1000 },
    ]
    for (const { edge, until } of rows) {
      const breaker = {
        state: 'open',
        since: now - 5000,
        until,
        lastError: 'unreachable',
      } as const
      await putBreaker(control, { edge, region: 'us-east-1', breaker })
    }
    const listed = await list()
    expect(listed.map((it) => it.region)).toEqual(['eu-west-1', 'eu-central-1', 'us-east-1'])
    expect(listed[2]).toMatchObject({
      status: 'active',
      roleArn: `arn:aws:iam::${stage.aws.accountId}:role/landfall-edge-us-east-1`,
      csrsPerSecond: 15,
      thingsPerSecond: 100,
      edges: [
        { edge: 'eu-central-1', state: 'half-open', lastError: 'unreachable' },
        { edge: 'eu-west-1', state: 'open', lastError: 'unreachable' },
      ],
    })
    const { stdout } = await region('list')
    expect(stdout).toMatch(/us-east-1 .*eu-central-1: half-open.*; eu-west-1: open until \d{4}-/)
  })

  it('previews a drain by what came in the last week, and changes nothing', async () => {
    await stage.setRegionPolicy({
      defaultRegion: 'eu-west-1',
      rules: [{ match: { countries: ['IE'] }, regions: ['eu-west-1', 'us-east-1'] }],
    })
    const hour = 3_600_000
    const ages = [...Array(4).fill(1), ...Array(10).fill(100), 200]
    await stage.dynamoDb.send(
      new BatchWriteItemCommand({
        RequestItems: {
          'iot-global-provisioning': ages.map((hours: number, index) => ({
            PutRequest: {
              Item: {
                thing_name: { S: `came-${index}` },
                prov_status: { S: 'provisioned' },
                product: { S: index < 2 ? 'unheard-of' : 'default' },
                aws_region: { S: 'us-east-1' },
                prov_datetime: {
                  S: new Date(Date.now() - hours * hour).toISOString().slice(0, 19),
                },
              },
            },
          })),
        },
      }),
    )
    const { stdout, code } = await region('drain', 'us-east-1', '--preview', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      region: 'us-east-1',
      days: 7,
      products: [
        {
          product: 'default',
          lastDay: 2,
          perDay: 12 / 7,
          // From Ashburn: nothing of the rule for Ireland.
          perDayTo: [{ region: 'eu-west-1', perDay: 12 / 7 }],
        },
        { product: 'unheard-of', lastDay: 2, perDayTo: [{ region: null, perDay: 2 / 7 }] },
      ],
    })
    const told = await region('drain', 'us-east-1', '--preview')
    expect(told.stdout).toMatch(/default +2 +1\.7 +eu-west-1 1\.7/)
    expect(told.stderr).toMatch(/note: each device is taken to be in N\. Virginia/)
    expect((await list())[2]).toMatchObject({ status: 'active' })
  })

  it.each([
    [['drain', 'mars-1'], 'mars-1 is no Region with AWS IoT Core'],
    [['drain', 'sa-east-1'], 'sa-east-1 is not enabled'],
    [['restore', 'mars-1'], 'mars-1 is no Region'],
  ])('refuses %j as misuse', async (args, message) => {
    const { code, stderr } = await region(...args)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })

  it('warns where nothing is left', async () => {
    const stderr = []
    for (const name of ['us-east-1', 'eu-central-1', 'eu-west-1']) {
      stderr.push((await region('drain', name)).stderr)
    }
    expect(stderr).toEqual([
      '',
      '',
      'warning: every enabled region drains now: new devices are told to wait\n',
    ])
    await stage.allow('nowhere')
    await sleep(60)
    const answer = await edge.post(signedRequest(stage, 'nowhere'))
    expect([answer.status, answer.body.message]).toEqual([503, 'try again later'])
  })
})

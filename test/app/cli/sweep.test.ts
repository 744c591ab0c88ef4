import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { addresses, type EdgeProcess, type Stage, setStage, signedRequest } from '../../stage.ts'
import { sweeperConfig, sweepStage } from '../../sweeping.ts'
import { runHere } from './run-here.ts'
import { startLandfall } from './run-landfall.ts'

let stage: Stage
let edge: EdgeProcess
let folder: string
let configFile: string
let devices = 0

beforeAll(async () => {
  stage = await setStage(['eu-west-1', 'us-east-1'])
  stage.enterAws(stage.aws.operator)
  edge = await stage.startEdge()
  folder = await mkdtemp(join(tmpdir(), 'landfall-sweep-'))
  configFile = join(folder, 'edge.json')
  await writeFile(configFile, JSON.stringify(sweeperConfig(stage)))
})
afterEach(async () => {
  await stage.clearFaults()
  expect(await stage.violations()).toEqual([])
})
afterAll(async () => {
  await stage?.close()
  await rm(folder, { recursive: true })
})

function env() {
  return {
    AWS_ENDPOINT_URL: stage.aws.awsEndpointUrl,
    AWS_ACCESS_KEY_ID: stage.aws.operator.accessKeyId,
    AWS_SECRET_ACCESS_KEY: stage.aws.operator.secretAccessKey,
  }
}
const young = ['--older-than', '0s', '--allow-young']
const args = (...more: string[]) => ['sweep', '--config', configFile, ...young, ...more]
const sweepCommand = (...more: string[]) => runHere(args(...more))

/** A device blocked by hand, so that its certificate is to be destroyed. */
async function condemned(address = addresses.dublin): Promise<string> {
  devices += 1
  const thingName = `condemned-${devices}`
  await stage.allow(thingName)
  expect((await edge.post(signedRequest(stage, thingName), address)).status).toBe(200)
  await stage.dynamoDb.send(
    new UpdateItemCommand({
      TableName: 'iot-global-provisioning',
      Key: { thing_name: { S: thingName } },
      UpdateExpression: 'SET prov_status = :blocked',
      ExpressionAttributeValues: { ':blocked': { S: 'blocked' } },
    }),
  )
  return thingName
}

const attachedTo = async (thingName: string) => (await stage.identities()).things[thingName] ?? []

describe('landfall sweep', () => {
  it('says in a dry run what it then does', async () => {
    const thingName = await condemned()
    const dry = await sweepCommand('--dry-run')
    expect(dry).toMatchObject({ code: 0 })
    expect(dry.stdout).toMatch(/^region +since +seen +kept +would be destroyed/)
    expect(dry.stdout).toContain('would be destroyed: superseded (1)')
    expect(await attachedTo(thingName)).toHaveLength(1)
    const run = await sweepCommand()
    expect(run).toMatchObject({ code: 0 })
    expect(run.stdout).toContain(`destroyed: superseded (1)\n  ${thingName} `)
    expect(run.stdout).toContain(`repaired: forgotten (1)\n  ${thingName} `)
    expect(run.stderr).toMatch(/^Listing certificates …\nReading the allow-list …\n/)
    expect(await attachedTo(thingName)).toEqual([])
    const again = await sweepCommand('--json')
    expect(JSON.parse(again.stdout)).toMatchObject({
      complete: true,
      regions: [{ region: 'eu-west-1', destroyed: [] }, { region: 'us-east-1' }],
    })
  })

  it('leaves other regions alone where some are named', async () => {
    const [here, there] = [await condemned(), await condemned(addresses.newYork)]
    expect(await sweepCommand('--region', 'us-east-1')).toMatchObject({ code: 0 })
    expect(await attachedTo(here)).toHaveLength(1)
    expect(await attachedTo(there)).toEqual([])
    expect(await sweepCommand()).toMatchObject({ code: 0 })
    expect(await attachedTo(here)).toEqual([])
  })

  it('exits with 1 where it may destroy no more, or a region fails', async () => {
    await condemned()
    const capped = await sweepCommand('--max-destroy', '0')
    expect(capped).toMatchObject({ code: 1 })
    expect(capped.stderr).toContain('error: more is to be destroyed than --max-destroy allows')
    await stage.fault({ kind: 'error-before', service: 'iot', region: 'us-east-1', times: null })
    const failed = await sweepCommand()
    expect(failed).toMatchObject({ code: 1 })
    expect(failed.stdout).toMatch(/us-east-1 .*failed: ListCertificates in us-east-1/)
    expect(failed.stdout).toContain('destroyed: superseded (1)')
  })

  it('refuses what makes no sense', async () => {
    const refused = async (...more: string[]) => {
      const { code, stderr } = await runHere(['sweep', ...more])
      expect(code).toBe(2)
      return stderr
    }
    expect(await refused('--config', configFile, '--older-than', '14m')).toContain('less than 15m')
    expect(await refused('--config', configFile, '--region', 'eu-west-2')).toContain('eu-west-2')
    expect(await refused('--config', configFile, '--since', 'noon')).toContain('--since')
    expect(await refused()).toContain('nothing to sweep')
  })

  it('says which regions have no role for it', async () => {
    const config = sweeperConfig(stage)
    const [first, second] = config.deviceRegions
    const { sweeperRoleArn: _, ...closed } = second ?? {}
    const file = join(folder, 'closed.json')
    await writeFile(file, JSON.stringify({ ...config, deviceRegions: [first, closed] }))
    const run = await runHere(['sweep', '--config', file])
    expect(run).toMatchObject({ code: 1 })
    expect(run.stderr).toContain('no sweeperRoleArn: us-east-1')
    const named = await runHere(['sweep', '--config', file, '--region', 'eu-west-1'])
    expect(named).toMatchObject({ code: 0 })
  })

  it.each([
    'ListCertificates',
    'Scan',
    'UpdateItem',
    'UpdateCertificate',
    'DetachThingPrincipal',
    'DetachPolicy',
    'DeleteCertificate',
    'PutItem',
  ])('killed in %s, leaves what the next one settles', async (operation) => {
    const thingName = await condemned()
    const fault = { operation, region: 'eu-west-1', kind: 'delay', delayMs: 400, times: 1 }
    await stage.fault(fault)
    const { child, done } = startLandfall(args(), { env: env() })
    await stage.faultFired('eu-west-1')
    child.kill('SIGKILL')
    await done
    await sleep(500)
    const report = await sweepStage(stage)
    expect(report.regions.flatMap((it) => it.failures)).toEqual([])
    expect(await attachedTo(thingName)).toEqual([])
    expect(await stage.row(thingName)).toMatchObject({ status: 'blocked', superseded: [] })
  })

  it('ends at Ctrl-C; what it has done stands', async () => {
    await condemned()
    await stage.fault({
      operation: 'Scan',
      region: 'eu-west-1',
      kind: 'delay',
      delayMs: 500,
      times: 1,
    })
    const { child, done } = startLandfall(args(), { env: env() })
    await stage.faultFired('eu-west-1')
    child.kill('SIGINT')
    expect(await done).toMatchObject({
      code: 130,
      stderr: expect.stringContaining('error: interrupted; what was done stands'),
    })
    await sweepStage(stage)
  })
})

import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateKeysAndCertificateCommand,
  CreatePolicyCommand,
  CreateThingCommand,
} from '@aws-sdk/client-iot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkTables } from '../../app/cli/doctor/table-checks.ts'
import { parseConfig } from '../../app/edge/config.ts'
import { productSchema } from '../../app/products/product.ts'
import { applyProduct, findProduct, versionLimit } from '../../app/products/product-store.ts'
import {
  operatorInRegion,
  operatorTables,
  type Statement,
  sweeperLambda,
} from '../../stacks/permissions.ts'
import { runHere } from '../app/cli/run-here.ts'
import { edgeRegion, type Stage, setStage } from '../stage.ts'
import { writeStageJson } from '../stage-json.ts'
import { sweeperConfig, sweepStage } from '../sweeping.ts'
import { covers } from './covers.ts'

/** The stand-in lets its operator do everything: what operators and sweeps may do is held to their calls. */
const tablesOf = (account: string) => ({
  allowList: `arn:aws:dynamodb:${edgeRegion}:${account}:table/iot-global-provisioning`,
  control: `arn:aws:dynamodb:${edgeRegion}:${account}:table/iot-global-control`,
})

describe('calls that are made', () => {
  let stage: Stage
  let folder: string
  let localJson: string

  beforeAll(async () => {
    stage = await setStage(['eu-west-1', 'us-east-1'])
    folder = await mkdtemp(join(tmpdir(), 'landfall-permissions-'))
    localJson = await writeStageJson(stage, folder)
  })
  afterAll(async () => {
    await stage?.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function run(...args: string[]): Promise<void> {
    const ended = await runHere([...args, '--local', localJson])
    if (ended.code !== 0) throw new Error(`${args.join(' ')}: ${ended.stderr}`)
  }

  async function put(item: Record<string, string>): Promise<void> {
    const Item = Object.fromEntries(Object.entries(item).map(([name, S]) => [name, { S }]))
    const TableName = 'iot-global-provisioning'
    await stage.dynamoDb.send(new PutItemCommand({ TableName, Item }))
  }

  /** What an edge leaves. */
  async function makeProvisioned(thingName: string): Promise<void> {
    const iot = stage.iot(edgeRegion)
    const made = await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true }))
    const { certificateArn: principal, certificateId = '' } = made
    const Statement = [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }]
    const policyDocument = JSON.stringify({ Version: '2012-10-17', Statement })
    await iot.send(new CreatePolicyCommand({ policyName: thingName, policyDocument }))
    await iot.send(new AttachPolicyCommand({ policyName: thingName, target: principal }))
    await iot.send(new CreateThingCommand({ thingName }))
    await iot.send(new AttachThingPrincipalCommand({ thingName, principal }))
    const provisioned = { prov_status: 'provisioned', aws_region: edgeRegion }
    await put({ thing_name: thingName, ...provisioned, certificate_id: certificateId })
  }

  /** What users called, with the resource that IAM looks at, against what their statements allow. */
  async function expectExactly(statements: readonly Statement[]): Promise<void> {
    const made = (await stage.calls())
      .filter((it) => it.caller.includes(':user/') && it.operation !== 'GetCallerIdentity')
      .map((it) => ({ action: `${it.service}:${it.operation}`, resource: it.resource }))
    expect(made.filter((it) => !covers(statements, it.action, it.resource))).toEqual([])
    const single = statements.flatMap(({ actions, resources }) =>
      actions.flatMap((action) => resources.map((it) => ({ actions: [action], resources: [it] }))),
    )
    const unused = single.filter((one) => !made.some((it) => covers([one], it.action, it.resource)))
    expect(unused).toEqual([])
  }

  it('by operators are those that they may make', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const { kty, n, e } = publicKey.export({ format: 'jwk' })
    const product = productSchema.parse({
      name: 'pump',
      signers: [{ kid: 'factory', contracts: ['seed'], jwk: { kty, n, e } }],
      regionPolicy: { defaultRegion: 'eu-west-1' },
    })
    const file = join(folder, 'pump.json')
    await writeFile(file, JSON.stringify({ ...product, reprovisioning: { redeliverSeconds: 0 } }))
    await makeProvisioned('pump-2')
    await makeProvisioned('pump-3')
    await stage.clearCalls()

    await run('allow', 'add', 'pump-1')
    const fleet = join(folder, 'fleet.csv')
    await writeFile(fleet, 'thing_name,product,region_pin\npump-1,,us-east-1\npump-4,,\n')
    await run('allow', 'import', fleet, '--update')
    await run('allow', 'list', '--status', 'provisioned')
    await run('allow', 'list', '--product', 'pump')
    await run('allow', 'list', '--in', edgeRegion)
    await run('allow', 'stats', '--yes')
    await run('allow', 'move', 'pump-1', '--to', 'us-east-1')
    await run('allow', 'show', 'pump-1', 'pump-2')
    await run('allow', 'reset', 'pump-2', '--yes')
    await run('allow', 'block', 'pump-2', '--yes')
    await run('allow', 'unblock', 'pump-2')
    await run('allow', 'remove', 'pump-3', '--yes')
    const signal = AbortSignal.timeout(20_000)
    const control = { client: stage.dynamoDb, table: 'iot-global-control', signal }
    // So many that the next one removes the oldest.
    for (let count = 0; count < versionLimit; count += 1) {
      const seen = await findProduct(control, 'pump')
      await applyProduct(control, {
        product,
        seen,
        appliedBy: 'test',
        now: count,
        applyId: `${count}`,
      })
    }
    await run('product', 'apply', file, '--yes')
    await run('product', 'list')
    await run('product', 'show', 'pump', '2')
    await run('product', 'history', 'pump')
    await run('product', 'rollback', 'pump', '--yes')
    await run('region', 'list')
    await run('region', 'drain', edgeRegion, '--preview')
    await run('region', 'drain', edgeRegion)
    await run('region', 'restore', edgeRegion)
    const config = parseConfig(sweeperConfig(stage))
    const clientConfig = {
      endpoint: stage.aws.awsEndpointUrl,
      credentials: stage.aws.operator,
      maxAttempts: 2,
    }
    const checks = await checkTables({ config, configFile: '', clientConfig })
    expect(checks.filter((it) => !it.ok)).toEqual([])

    const { accountId } = stage.aws
    const role = `arn:aws:iam::${accountId}:role/landfall-operator-${edgeRegion}`
    await expectExactly([
      ...operatorTables(tablesOf(accountId)),
      { actions: ['sts:AssumeRole'], resources: [role] },
    ])
    // Of these the stand-in notes other resources than IAM looks at: permissions.test.ts has those.
    const inRegion = (await stage.calls())
      .filter((it) => it.caller.includes(`:assumed-role/landfall-operator-${edgeRegion}/`))
      .map((it) => `iot:${it.operation}`)
    const granted = operatorInRegion({ region: edgeRegion, account: accountId })
    expect(new Set(inRegion)).toEqual(new Set(granted.flatMap((it) => it.actions)))
  })

  it('by a sweep are those that the sweeper’s Lambda may make', async () => {
    await put({
      thing_name: 'crashed',
      prov_status: 'provisioning',
      aws_region: edgeRegion,
      attempt_id: 'attempt',
      lease_until: '2026-01-01T00:00:00.000Z',
    })
    await stage.clearCalls()
    const report = await sweepStage(stage)
    const repaired = report.regions.flatMap((it) => it.repaired)
    expect(repaired).toContainEqual({ region: edgeRegion, thingName: 'crashed', why: 'expired' })
    const roles = stage.aws.regions.map((it) => it.sweeperRoleArn)
    await expectExactly(sweeperLambda(tablesOf(stage.aws.accountId), roles))
  })
})

// One stage, edge and operator for all orders on single devices: each file more would start them anew.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateKeysAndCertificateCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  DescribeThingCommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot'
import { connectAsync } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../../device-key.ts'
import { addresses, type EdgeProcess, type Stage, setStage, signedRequest } from '../../../stage.ts'
import { sweeperConfig, sweepStage } from '../../../sweeping.ts'
import { runHere } from '../run-here.ts'
import { startLandfall } from '../run-landfall.ts'

const TableName = 'iot-global-provisioning'
let stage: Stage
let edge: EdgeProcess
let folder: string
let configFile: string
let operator: string
let devices = 0

beforeAll(async () => {
  stage = await setStage(['eu-west-1', 'us-east-1'])
  await stage.liftQuotas()
  stage.enterAws(stage.aws.operator)
  edge = await stage.startEdge()
  folder = await mkdtemp(join(tmpdir(), 'landfall-orders-'))
  configFile = await writeConfig('edge.json', sweeperConfig(stage, { requestSeconds: 15 }))
  operator = `arn:aws:iam::${stage.aws.accountId}:user/operator`
})
afterEach(async () => {
  await stage.clearFaults()
  expect(await stage.violations()).toEqual([])
})
afterAll(async () => {
  await stage?.close()
  await rm(folder, { recursive: true })
})

async function writeConfig(name: string, config: unknown): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, JSON.stringify(config))
  return file
}

const allow = (...args: string[]) => runHere(['allow', ...args, '--config', configFile])
const json = async (...args: string[]) => JSON.parse((await allow(...args, '--json')).stdout)

async function newDevice() {
  devices += 1
  const name = `ordered-${devices}`
  await stage.allow(name)
  const { key, csr } = await makeDeviceKey(name)
  return { name, key, request: signedRequest(stage, name, csr) }
}

async function provisioned(address = addresses.dublin) {
  const device = await newDevice()
  const answer = await edge.post(device.request, address)
  expect(answer.status).toBe(200)
  const certificateId = (await stage.row(device.name))?.certificateId ?? ''
  return { ...device, answer: answer.body, certificateId }
}

async function put(item: Record<string, string>): Promise<void> {
  const Item = Object.fromEntries(Object.entries(item).map(([name, S]) => [name, { S }]))
  await stage.dynamoDb.send(new PutItemCommand({ TableName, Item }))
}

const standing = async (name: string) => (await stage.identities()).things[name] ?? []

describe('landfall allow add', () => {
  it('refuses a product that isn’t there, with the one that is meant', async () => {
    const add = (product: string) => allow('add', 'of-a-product', '--product', product)
    expect(await add('defalt')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'error: there is no usable product defalt\nhint: did you mean default?\n',
    })
    expect((await add('lamps')).stderr).toContain('hint: npx landfall product list\n')
    expect(await stage.row('of-a-product')).toBe(undefined)
    expect(await add('default')).toMatchObject({ code: 0, stdout: 'of-a-product added\n' })
  })

  it('checks no product where the control table can’t be read, and says so', async () => {
    const error = { code: 'AccessDeniedException', status: 400, message: 'not yours' }
    await stage.fault({ operation: 'Query', kind: 'error-before', times: null, error })
    expect(await allow('add', 'unchecked', '--product', 'lamps')).toEqual({
      code: 0,
      stdout: 'unchecked added\n',
      stderr: 'note: product lamps isn’t checked: not yours\n',
    })
  })
})

describe('landfall allow show', () => {
  it('asks no region where only the record is wanted', async () => {
    const { name } = await provisioned()
    await stage.clearCalls()
    const shown = await json('show', name, '--record-only')
    expect(shown).not.toHaveProperty('certificate')
    // The edge asks its table now and then, too.
    expect((await stage.calls()).filter((it) => it.service !== 'dynamodb')).toEqual([])
  })

  it('tells what stands in the region now, and who did what', async () => {
    const { name, certificateId } = await provisioned()
    const shown = await json('show', name)
    expect(shown).toMatchObject({
      thingName: name,
      status: 'provisioned',
      certificate: {
        region: 'eu-west-1',
        certificateId,
        status: 'ACTIVE',
        things: [name],
        policies: ['LandfallDevice'],
      },
      drift: [],
      problems: [],
    })
    const who = shown.history.map((it: { event: string; by?: string }) => [it.event, it.by])
    expect(who.slice(1)).toEqual([
      ['claimed', 'edge eu-west-1'],
      ['provisioned', 'edge eu-west-1'],
    ])
    const run = await allow('show', name)
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toMatch(/in region +ACTIVE, thing ordered-\d+, policy LandfallDevice\n/)
    expect(run.stdout).toMatch(/Z {2}provisioned in eu-west-1, by edge eu-west-1\n/)
  })

  it('names what a hand changed in the region, and the remedy', async () => {
    const { name, request, certificateId } = await provisioned()
    const iot = stage.iot('eu-west-1')
    await iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }))
    const run = await allow('show', name)
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toMatch(/in region +INACTIVE, thing/)
    expect(run.stdout).toMatch(/drift +its certificate is INACTIVE: a hand deactivated it/)
    expect(run.stdout).toContain(`→ npx landfall allow reset ${name}`)
    expect(await json('show', name)).toMatchObject({
      drift: [{ what: expect.stringContaining('INACTIVE'), remedy: expect.anything() }],
    })
    expect(await allow('reset', name, '--yes')).toMatchObject({ code: 0 })
    expect((await edge.post(request)).status).toBe(200)
    expect(await json('show', name)).toMatchObject({ certificate: { status: 'ACTIVE' }, drift: [] })
  })

  it('says which region can’t be reached, and shows the rest', async () => {
    const [far, near] = [await provisioned(addresses.newYork), await provisioned()]
    await stage.fault({ kind: 'error-before', service: 'iot', region: 'us-east-1', times: null })
    const run = await allow('show', far.name, near.name)
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toMatch(/not seen +[A-Za-z]+ in us-east-1: InternalFailure/)
    expect(run.stdout.match(/not seen/g)).toHaveLength(1)
    expect(run.stdout).toContain(`  region       us-east-1\n`)
    expect(run.stdout).toMatch(/in region +ACTIVE/)
  })

  it('says which rows are no device records, and shows the others', async () => {
    const { name } = await newDevice()
    await put({ thing_name: 'misspelt', prov_status: 'provisionned' })
    const run = await allow('show', 'misspelt', name)
    expect(run).toMatchObject({
      code: 1,
      stderr:
        'error: 1 of 2 devices with a row that is no device record\n' +
        'hint: correct the row in the table: docs/storage.md has its attributes\n',
    })
    expect((await allow('show', 'misspelt', 'nobody')).stderr).toMatch(
      /^error: 1 of 2 devices not in the allow-list, 1 of 2 devices with a row .*\nhint: correct/,
    )
    expect(run.stdout).toMatch(/^misspelt has no device record: .*prov_status: .*\n\nordered-/)
  })
})

describe('landfall allow block', () => {
  const mqtt = (device: { name: string; key: string; answer: Record<string, unknown> }) =>
    connectAsync(
      `mqtts://${device.answer.endpointAddress}:8883`,
      {
        clientId: device.name,
        key: device.key,
        cert: String(device.answer.certificatePem),
        ca: stage.aws.caPem,
        protocolVersion: 4,
        reconnectPeriod: 0,
        connectTimeout: 5000,
      },
      false,
    )

  it('cuts a device off, which the broker then refuses', async () => {
    const device = await provisioned()
    const before = await mqtt(device)
    before.on('error', () => {})
    await before.publishAsync(`data/${device.name}/misc`, 'on', { qos: 1 })
    const run = await json('block', device.name, '--yes')
    expect(run).toEqual({
      thingName: device.name,
      blocked: true,
      certificates: [
        { region: 'eu-west-1', certificateId: device.certificateId, status: 'INACTIVE' },
      ],
      problems: [],
      milliseconds: expect.any(Number),
    })
    expect(await standing(device.name)).toEqual([])
    await expect(mqtt(device)).rejects.toThrow()
    // What was open could go on for minutes on AWS; without its policy it can do nothing meanwhile.
    const closed = new Promise<void>((resolve) => before.once('close', () => resolve()))
    before.publish(`data/${device.name}/misc`, 'still on', { qos: 1 })
    await closed
    expect(await edge.post(device.request)).toMatchObject({ status: 403 })
    const row = await stage.row(device.name)
    expect(row?.history.at(-1)).toMatchObject({ event: 'blocked', by: operator })
  })

  it('asks the table twice and says who calls once, for each command', async () => {
    const [one, two] = [await provisioned(), await provisioned()]
    await stage.clearCalls()
    expect(await allow('block', one.name, two.name, '--yes')).toMatchObject({ code: 0 })
    // The edge asks its tables now and then, too.
    const calls = (await stage.calls()).filter(
      (it) => it.service !== 'iot' && it.caller === operator,
    )
    const count = (operation: string) => calls.filter((it) => it.operation === operation).length
    const asked = ['GetItem', 'UpdateItem', 'GetCallerIdentity', 'AssumeRole'].map(count)
    expect([...asked, calls.length]).toEqual([2, 2, 1, 1, 6])
  })

  it('blocks the record though the region can’t be reached, and says what is left to do', async () => {
    const { name } = await provisioned(addresses.newYork)
    await stage.fault({ kind: 'error-before', service: 'iot', region: 'us-east-1', times: null })
    const run = await allow('block', name, '--yes')
    expect(run.code).toBe(1)
    expect(run.stdout).toMatch(
      /^ordered-\d+ blocked but not known to be cut off\n {2}✗ [0-9a-f]{64} in/,
    )
    expect(run.stderr).toMatch(
      /error: 1 of 1 device blocked, but .* may still be usable\nhint: block/,
    )
    expect((await stage.row(name))?.status).toBe('blocked')
    await stage.clearFaults()
    expect(await allow('block', name, '--yes')).toMatchObject({ code: 0 })
    expect(await standing(name)).toEqual([])
  })

  /** As something else provisioned it: the row names no certificate, and the policy is its own. */
  async function bySomethingElse(...names: string[]): Promise<string> {
    const iot = stage.iot('eu-west-1')
    const Statement = [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }]
    const policyDocument = JSON.stringify({ Version: '2012-10-17', Statement })
    const policyName = `own-${names[0]}`
    await iot.send(new CreatePolicyCommand({ policyName, policyDocument }))
    const made = await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true }))
    const principal = made.certificateArn
    await iot.send(new AttachPolicyCommand({ policyName, target: principal }))
    for (const thingName of names) {
      await iot.send(new CreateThingCommand({ thingName }))
      await iot.send(new AttachThingPrincipalCommand({ thingName, principal }))
    }
    const [name = ''] = names
    await put({ thing_name: name, prov_status: 'provisioned', aws_region: 'eu-west-1' })
    return made.certificateId ?? ''
  }

  it('cuts off what hangs on the device’s thing, though its row names no certificate', async () => {
    const certificateId = await bySomethingElse('by-seed')
    expect(await json('show', 'by-seed')).toMatchObject({
      drift: [{ what: expect.stringMatching(/^something else provisioned it: [0-9a-f]{64}/) }],
    })
    expect(await allow('reset', 'by-seed', '--yes')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('block it, then unblock it'),
    })
    expect(await json('block', 'by-seed', '--yes')).toMatchObject({
      certificates: [{ certificateId, status: 'INACTIVE' }],
    })
    expect(await standing('by-seed')).toEqual([])
  })

  it('takes no device for cut off that something else provisioned, where it finds nothing of it', async () => {
    for (const [name, where] of [
      ['by-seed-3', { aws_region: 'us-east-1' }],
      ['by-seed-4', {}],
    ] as const) {
      await put({ thing_name: name, prov_status: 'provisioned', ...where })
      const run = await allow('block', name, '--yes')
      expect(run).toMatchObject({ code: 1, stdout: expect.stringContaining('was not found') })
      expect(run.stdout).toContain(`${name} blocked but not known to be cut off`)
    }
    const { name } = await newDevice()
    expect((await allow('block', name, '--yes')).stdout).toMatch(/ blocked in .* s: it has no cert/)
  })

  it('is removed with what merely hangs on its thing', async () => {
    const certificateId = await bySomethingElse('by-seed-5')
    expect(await json('remove', 'by-seed-5', '--yes')).toEqual({
      thingName: 'by-seed-5',
      removed: true,
      changed: true,
      destroyed: [{ region: 'eu-west-1', certificateId }],
    })
    const left = await stage.identities()
    expect(JSON.stringify(left)).not.toContain(certificateId)
  })

  it('leaves alone what hangs on another thing too, and says so', async () => {
    const certificateId = await bySomethingElse('by-seed-2', 'its-neighbour')
    const run = await allow('block', 'by-seed-2', '--yes')
    expect(run.code).toBe(1)
    expect(run.stdout).toContain(`${certificateId} in eu-west-1 hangs on`)
    expect(await standing('its-neighbour')).toMatchObject([{ status: 'ACTIVE' }])
  })
})

describe('landfall allow reset', () => {
  it('lets a device that lost its key have another identity, the old one being out first', async () => {
    const { name, certificateId } = await provisioned()
    const other = signedRequest(stage, name, (await makeDeviceKey(name)).csr)
    const refused = await edge.post(other)
    expect(refused.status).toBe(403)
    const run = await allow('reset', name, '--yes')
    expect(run).toMatchObject({ code: 0, stderr: '' })
    const id = certificateId.slice(0, 10)
    expect(run.stdout).toBe(`${name} may ask again: ${id}… in eu-west-1 is INACTIVE and detached\n`)
    expect(await standing(name)).toEqual([])
    expect((await edge.post(other, addresses.newYork)).body.region).toBe('us-east-1')
    const row = await stage.row(name)
    expect(row?.history.map((it) => it.event)).toEqual([
      ...['allowed', 'claimed', 'provisioned', 'reset', 'claimed', 'provisioned'],
    ])
    expect(row?.history[3]).toMatchObject({ region: 'eu-west-1', by: operator })
    expect(await standing(name)).toMatchObject([
      { region: 'us-east-1', status: 'ACTIVE', certificateId: row?.certificateId },
    ])
  })

  it('has the device wait while what it had may still be usable', async () => {
    const { name, request } = await provisioned(addresses.newYork)
    const fault = { operation: 'UpdateCertificate', region: 'us-east-1', times: null }
    await stage.fault({ ...fault, kind: 'error-before' })
    const run = await allow('reset', name, '--yes')
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('hint: reset again') })
    expect(run.stdout).toMatch(/^ordered-\d+ has given up what it had, but may not ask yet\n {2}✗ /)
    const waits = await edge.post(request)
    expect(waits.status).toBe(503)
    expect(Number(waits.retryAfter)).toBeLessThanOrEqual(15)
    await stage.clearFaults()
    expect(await allow('reset', name, '--yes')).toMatchObject({ code: 0 })
    expect((await edge.post(request)).status).toBe(200)
  })

  it('ends a claim that is stuck', async () => {
    const { name, request } = await newDevice()
    await put({
      thing_name: name,
      prov_status: 'provisioning',
      aws_region: 'eu-west-1',
      attempt_id: 'dead',
      lease_until: new Date(Date.now() + 60_000).toISOString(),
    })
    expect((await edge.post(request)).status).toBe(503)
    expect(await allow('reset', name, '--yes')).toMatchObject({
      code: 0,
      stdout: `${name} may ask again\n`,
    })
    expect((await edge.post(request)).status).toBe(200)
  })

  it('has nothing to do for a device that never asked, and doesn’t free a blocked one', async () => {
    const [fresh, blocked] = [await newDevice(), await newDevice()]
    await allow('block', blocked.name, '--yes')
    const run = await allow('reset', fresh.name, blocked.name, 'nobody', '--yes')
    expect(run).toMatchObject({
      code: 1,
      stdout:
        `${fresh.name} has nothing, and may ask already\n` +
        `${blocked.name} is blocked: npx landfall allow unblock\n` +
        'nobody is not in the allow-list\n',
      stderr: expect.stringContaining('error: 2 of 3 devices not reset'),
    })
  })
})

describe('landfall allow unblock', () => {
  it('lets a blocked device have another identity', async () => {
    const { name, request, certificateId } = await provisioned()
    await allow('block', name, '--yes')
    expect(await allow('unblock', name)).toMatchObject({
      code: 0,
      stdout: `${name} may ask again\n`,
    })
    expect((await edge.post(request)).status).toBe(200)
    const row = await stage.row(name)
    expect(row?.certificateId).not.toBe(certificateId)
    expect(row?.superseded).toEqual([{ region: 'eu-west-1', certificateId }])
    expect(await standing(name)).toMatchObject([{ certificateId: row?.certificateId }])
    const unblocked = { thingName: name, unblocked: true }
    expect(await json('unblock', name)).toEqual({ ...unblocked, changed: false })
    await allow('block', name, '--yes')
    expect(await json('unblock', name)).toEqual({ ...unblocked, changed: true })
  })

  it('has nothing to do for one that isn’t blocked, and says so', async () => {
    const { name } = await newDevice()
    expect(await allow('unblock', name)).toEqual({
      code: 0,
      stdout: `${name} isn’t blocked: it is unprovisioned\n`,
      stderr: '',
    })
    expect(await allow('unblock', 'nobody')).toMatchObject({
      code: 1,
      stdout: 'nobody is not in the allow-list\n',
    })
  })
})

describe('landfall allow remove', () => {
  it('takes a device that never asked from the list, and asks no region', async () => {
    const { name, request } = await newDevice()
    await stage.clearCalls()
    expect(await allow('remove', name, '--yes')).toMatchObject({
      code: 0,
      stdout: `${name} removed\n`,
    })
    const calls = await stage.calls()
    expect(calls.filter((it) => it.service === 'iot')).toEqual([])
    expect(calls.filter((it) => it.operation === 'DeleteItem')).toHaveLength(1)
    expect((await edge.post(request)).status).toBe(403)
  })

  it('destroys what a device has first, and leaves its thing', async () => {
    const { name, request, certificateId } = await provisioned()
    expect(await json('remove', name, '--yes')).toEqual({
      thingName: name,
      removed: true,
      changed: true,
      destroyed: [{ region: 'eu-west-1', certificateId }],
    })
    expect(await stage.row(name)).toBe(undefined)
    const { unattached } = await stage.identities()
    expect(unattached.filter((it) => it.certificateId === certificateId)).toEqual([])
    const thing = await stage.iot('eu-west-1').send(new DescribeThingCommand({ thingName: name }))
    expect(thing.thingName).toBe(name)
    expect((await edge.post(request)).status).toBe(403)
    expect(await allow('remove', name, '--yes')).toEqual({
      code: 0,
      stdout: `${name} is not in the allow-list: nothing to remove\n`,
      stderr: '',
    })
    expect(await json('remove', name, '--yes')).toEqual({
      thingName: name,
      removed: true,
      changed: false,
      destroyed: [],
    })
    // Its thing is taken over, where it is allowed anew.
    await allow('add', name)
    expect((await edge.post(request)).status).toBe(200)
    const report = await sweepStage(stage, { since: 'everything' })
    const reported = report.regions.flatMap((it) => it.reported)
    expect(reported.filter((it) => it.thingName === name)).toEqual([])
  })
})

describe('landfall allow add', () => {
  it('knows its own row again after a lost answer', async () => {
    const put = { service: 'dynamodb', operation: 'PutItem', times: 1 }
    for (const kind of ['lost', 'error-after', 'error-before']) {
      await stage.fault({ ...put, kind })
      expect(await allow('add', `added-${kind}`)).toMatchObject({ code: 0 })
      expect(await stage.row(`added-${kind}`)).toMatchObject({ history: [{ event: 'allowed' }] })
    }
    expect(await allow('add', 'added-lost')).toMatchObject({ code: 1 })
  })
})

describe('the orders', () => {
  /** Of an operator's own process. */
  const env = () => ({
    AWS_ENDPOINT_URL: stage.aws.awsEndpointUrl,
    AWS_ACCESS_KEY_ID: stage.aws.operator.accessKeyId,
    AWS_SECRET_ACCESS_KEY: stage.aws.operator.secretAccessKey,
  })

  it('work without a configuration, in the caller’s own account', async () => {
    const { name } = await provisioned()
    const flags = ['--region', 'eu-west-1', '--yes', '--json']
    const run = await runHere(['allow', 'block', name, ...flags])
    expect(JSON.parse(run.stdout)).toMatchObject({ certificates: [{ status: 'INACTIVE' }] })
    // Not to be found is no proof there: the region may be another account's.
    const [unseen] = [await provisioned()]
    await stage.dynamoDb.send(
      new UpdateItemCommand({
        TableName,
        Key: { thing_name: { S: unseen.name } },
        UpdateExpression: 'SET certificate_id = :id',
        ExpressionAttributeValues: { ':id': { S: 'f'.repeat(64) } },
      }),
    )
    const unsure = await runHere(['allow', 'block', unseen.name, ...flags])
    expect(unsure.code).toBe(1)
    expect(unsure.stdout).toContain(`is not in account ${stage.aws.accountId}: it is gone, or`)
    await allow('block', unseen.name, '--yes')
  })

  it('enter a region by its own role only, and no other account’s without one', async () => {
    const { name } = await provisioned()
    const config = sweeperConfig(stage)
    const [first] = config.deviceRegions
    const roleArn = 'arn:aws:iam::111122223333:role/landfall-edge-eu-west-1'
    const { operatorRoleArn: _, ...closed } = { ...first, roleArn }
    const elsewhere = await writeConfig('elsewhere.json', { ...config, deviceRegions: [closed] })
    const show = (file: string) => runHere(['allow', 'show', name, '--config', file])
    expect((await show(elsewhere)).stdout).toMatch(
      /not seen +eu-west-1 is in account 111122223333, .* give it an operatorRoleArn\n/,
    )
    const untrusted = { ...first, operatorRoleArn: roleArn }
    const refused = await writeConfig('refused.json', { ...config, deviceRegions: [untrusted] })
    expect((await show(refused)).stdout).toMatch(/not seen +.* not authorized .* sts:AssumeRole/)
    const missing = await writeConfig('missing.json', {
      ...config,
      deviceRegions: config.deviceRegions.slice(1),
    })
    expect((await show(missing)).stdout).toMatch(/not seen +eu-west-1 is not configured\n/)
    await stage.clearCalls()
    await allow('show', name)
    const [{ caller } = { caller: '' }] = (await stage.calls()).filter((it) => it.service === 'iot')
    expect(caller).toContain(':assumed-role/landfall-operator-eu-west-1/landfall-allow-')
  })

  it('are carried out though AWS doesn’t say who calls', async () => {
    const { name } = await provisioned()
    await stage.fault({ operation: 'GetCallerIdentity', kind: 'error-before', times: null })
    const run = await allow('block', name, '--yes')
    expect(run.code).toBe(0)
    expect(run.stderr).toMatch(/^note: AWS doesn’t say who you are, nor will the history: /)
    const row = await stage.row(name)
    expect(row?.history.at(-1)).toMatchObject({ event: 'blocked', by: 'unknown' })
  })

  it('read names from stdin, all of them before anything is done', async () => {
    const add = (names: string) => {
      const args = ['allow', 'add', '-', '--config', configFile]
      const { child, done } = startLandfall(args, { env: env(), stdin: 'pipe' })
      child.stdin?.end(names)
      return done
    }
    const [wrong, right] = await Promise.all([
      add('piped-1\npiped 2\n'),
      add('\uFEFF# from the factory\r\npiped-3\r\n\r\npiped-4\r\npiped-3'),
    ])
    expect(wrong).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('error: line 2: "piped 2" is no thing name'),
    })
    expect(await stage.row('piped-1')).toBe(undefined)
    expect(right).toMatchObject({ code: 0, stdout: 'piped-3 added\npiped-4 added\n' })
    expect((await stage.row('piped-3'))?.history).toMatchObject([
      { event: 'allowed', by: operator },
    ])
  })

  it('end at Ctrl-C while they wait for names', async () => {
    const args = ['allow', 'block', '-', '--config', configFile, '--yes']
    const { child, done } = startLandfall(args, { env: env(), stdin: 'pipe' })
    // What is more than a pipe holds is taken once the command reads.
    const name = 'x'.repeat(100)
    await new Promise((taken) => child.stdin?.write(`${name}\n`.repeat(10_000), taken))
    child.kill('SIGINT')
    expect(await done).toEqual({
      code: 130,
      stdout: '',
      stderr: 'error: interrupted: nothing was done\n',
    })
  })

  it('end at Ctrl-C between two devices, never within one', async () => {
    const some = await Promise.all([1, 2, 3, 4, 5, 6].map(() => provisioned()))
    const slow = { operation: 'UpdateCertificate', region: 'eu-west-1', kind: 'delay' }
    await stage.fault({ ...slow, delayMs: 700, times: null })
    const stop = new AbortController()
    const args = ['allow', 'block', ...some.map((it) => it.name), '--config', configFile, '--yes']
    const running = runHere(args, stop.signal)
    await stage.faultFired('eu-west-1')
    stop.abort()
    const run = await running
    expect(run).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('error: interrupted after 4 of 6 devices\nhint: '),
    })
    const rows = await Promise.all(some.map((it) => stage.row(it.name)))
    expect(rows.map((it) => it?.status)).toEqual([
      ...['blocked', 'blocked', 'blocked', 'blocked', 'provisioned', 'provisioned'],
    ])
    const ends = await Promise.all(some.map((it) => standing(it.name)))
    expect(ends.map((it) => it.length)).toEqual([0, 0, 0, 0, 1, 1])
  })

  it('end as at Ctrl-C where nobody reads what they say any more', async () => {
    await stage.fault({ operation: 'PutItem', kind: 'delay', delayMs: 50, times: null })
    const names = Array.from({ length: 60 }, (_, at) => `unread-${at}`)
    const args = ['allow', 'add', ...names, '--config', configFile]
    const { child, done } = startLandfall(args, { env: env() })
    child.stdout?.once('data', () => child.stdout?.destroy())
    const { code, stderr } = await done
    const added = (await Promise.all(names.map((it) => stage.row(it)))).filter(
      (row) => row !== undefined,
    )
    expect(added.length).toBeLessThan(names.length)
    expect(stderr).toBe(
      `error: interrupted after ${added.length} of 60 devices\n` +
        'hint: what was done stands; the same command again goes on\n',
    )
    expect(code).toBe(130)
  })

  it('refuse what makes no sense, and ask before they destroy', async () => {
    const { name } = await newDevice()
    for (const command of ['block', 'reset', 'remove']) {
      expect(await allow(command, name)).toMatchObject({
        code: 2,
        stdout: '',
        stderr: 'error: nobody is here to ask\nhint: add --yes\n',
      })
    }
    expect((await stage.row(name))?.status).toBe('unprovisioned')
    expect(await allow('block', name, '-', '--yes')).toMatchObject({ code: 2 })
    expect(await allow('block', '-')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/nobody can be asked\nhint: add --yes/),
    })
    expect(await allow('move', name, '--to', 'eu-central-1')).toMatchObject({
      code: 2,
      stderr: 'error: eu-central-1 is not enabled\nhint: enabled: eu-west-1, us-east-1\n',
    })
  })
})

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LocalProcess, startLocalProcess } from './local-process.ts'
import { runHere } from './run-here.ts'
import { landfall, startLandfall } from './run-landfall.ts'

let folder: string
let local: LocalProcess
let jsonFile: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-operator-'))
  local = await startLocalProcess(join(folder, 'local'), '--regions', 'eu-west-1,us-east-1')
  jsonFile = join(folder, 'local', 'local.json')
})
afterAll(async () => {
  await local.end('SIGTERM')
  await rm(folder, { recursive: true })
})

const allow = (...args: string[]) => runHere(['allow', ...args, '--local', jsonFile])

function device(thing: string, ...args: string[]) {
  return runHere([
    ...['device', '--thing', thing, '--local', jsonFile, '--folder', folder, '--own-key'],
    ...['--count', '1', '--qos', '1', '--address', '128.59.1.1', ...args],
  ])
}

describe('landfall allow', () => {
  it('adds by a conditional write and leaves what is there alone', async () => {
    await allow('add', 'kept')
    await device('kept')
    const before = await allow('show', 'kept', '--json')
    const run = await allow('add', 'kept', 'fresh')
    expect(run).toMatchObject({
      code: 1,
      stdout: 'kept is in the list already: left as it is\nfresh added\n',
      stderr: expect.stringContaining('error: 1 of 2 devices in the list already'),
    })
    expect(await allow('show', 'kept', '--json')).toEqual(before)
  })

  it('shows where a device is and why', async () => {
    await allow('add', 'seen')
    await device('seen')
    const run = await allow('show', 'seen')
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toMatch(/^seen\n {2}status +provisioned\n/)
    expect(run.stdout).toMatch(/region +us-east-1\n {2}distance +\d+ km\n {2}why +nearest: /)
    const json = JSON.parse((await allow('show', 'seen', '--json')).stdout)
    expect(json).toMatchObject({ thingName: 'seen', status: 'provisioned', region: 'us-east-1' })
  })

  it('lets a device sign with its own key, and shows which', async () => {
    const keyFile = join(folder, 'signs.keys.json')
    await runHere(['keys', 'new', '--type', 'Ed25519', '--out', keyFile])
    const [own] = JSON.parse(await readFile(keyFile, 'utf8')).keys
    const refused = await allow('add', 'signs', '--public-key', keyFile)
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('holds a private key, which stays on the device')
    expect(refused.stderr).not.toContain(own.d)
    const half = await runHere(['keys', 'show', keyFile, '--allow'])
    const args = ['allow', 'add', 'signs', '--public-key', '-', '--local', jsonFile]
    const adding = startLandfall(args, { stdin: 'pipe' })
    adding.child.stdin?.end(half.stdout)
    expect(await adding.done).toMatchObject({ code: 0, stdout: 'signs added\n' })
    const shown = await allow('show', 'signs')
    expect(shown.stdout).toContain(`\n  signs with   Ed25519 ${own.kid}\n`)
    expect((await device('signs', '--signing-key', keyFile)).code).toBe(0)
    expect(await allow('add', 'x', 'y', '--public-key', keyFile)).toMatchObject({ code: 2 })
  })

  it('shows rows as the seed writes them', async () => {
    const { DynamoDBClient, PutItemCommand } = await import('@aws-sdk/client-dynamodb')
    const { awsEndpointUrl, accessKeyId, secretAccessKey, dynamodbRegion } = local.json
    const client = new DynamoDBClient({
      endpoint: awsEndpointUrl,
      region: dynamodbRegion,
      credentials: { accessKeyId, secretAccessKey },
    })
    const Item = { thing_name: { S: 'byhand' }, prov_status: { S: 'unprovisioned' } }
    await client.send(new PutItemCommand({ TableName: local.json.allowListTable, Item }))
    client.destroy()
    const run = await allow('show', 'byhand')
    expect(run.stdout).toBe('byhand\n  status       unprovisioned\n  product      default\n')
  })

  it('blocks the record and the certificate, so that the device is shut out', async () => {
    await allow('add', 'lost')
    expect((await device('lost')).code).toBe(0)
    expect(await allow('block', 'lost', '--yes')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^lost blocked and cut off in \d+\.\d\d s: [0-9a-f]{10}… in us-east-1 is INACTIVE and detached\n$/,
      ),
    })
    const connected = await device('lost')
    expect(connected.code).toBe(1)
    expect(connected.stderr).toContain('error: no lasting connection to 127.')
    await rm(join(folder, 'lost.device.cert.pem'))
    expect((await device('lost')).stderr).toContain('error: the edge refuses lost: you not')
  })

  it('moves a device at its next request, which it may make with the same key', async () => {
    await allow('add', 'moved')
    await device('moved')
    const there = 'moved lands in eu-west-1 at its next request\n'
    expect(await allow('move', 'moved', '--to', 'eu-west-1')).toMatchObject({
      code: 0,
      stdout: there,
    })
    expect((await device('moved')).code).toBe(0)
    const [before] = (await allow('show', 'moved', '--json')).stdout.split('\n')
    expect(JSON.parse(before ?? '')).toMatchObject({ region: 'us-east-1', regionPin: 'eu-west-1' })
    await rm(join(folder, 'moved.device.cert.pem'))
    expect((await device('moved')).code).toBe(0)
    const shown = await allow('show', 'moved')
    expect(shown.stdout).toMatch(/region +eu-west-1\n {2}pinned to +eu-west-1\n/)
    expect(shown.stdout).toMatch(/superseded +[0-9a-f]{64} in us-east-1, INACTIVE\n/)
    expect(shown.stdout).toMatch(/ moved to eu-west-1, by arn:.*:user\/operator\n/)
  })

  it('moves no device that is blocked or unknown, and to no region that is none', async () => {
    await allow('add', 'stays')
    await allow('block', 'stays', '--yes')
    expect(await allow('move', 'stays', 'nobody', '--to', 'eu-west-1')).toMatchObject({
      code: 1,
      stdout: 'stays is blocked: npx landfall allow unblock\nnobody is not in the allow-list\n',
      stderr: expect.stringContaining('error: 2 of 2 devices not moved'),
    })
    expect(await allow('move', 'stays', '--to', 'mars-north-1')).toMatchObject({ code: 2 })
  })

  it('blocks nothing where nobody can be asked', async () => {
    await allow('add', 'asked')
    expect(await allow('block', 'asked')).toMatchObject({
      code: 2,
      stderr: 'error: nobody is here to ask\nhint: add --yes\n',
    })
    expect((await allow('show', 'asked')).stdout).toContain('unprovisioned')
  })

  it('says which names it doesn’t know', async () => {
    const run = await allow('show', 'nobody', '--json')
    expect(run).toMatchObject({
      code: 1,
      stdout: '{"thingName":"nobody","status":"unknown"}\n',
    })
    expect(await allow('add', 'no/name')).toMatchObject({ code: 2, stdout: '' })
  })

  it('says what to do where AWS can’t be used', async () => {
    const unreachable = await allow('show', 'x', '--endpoint-url', 'http://127.0.0.1:1')
    expect(unreachable.code).toBe(1)
    expect(unreachable.stderr).toContain('hint: nothing answers at this AWS endpoint')
    const noTable = await allow('show', 'x', '--table', 'other-table')
    expect(noTable.stderr).toContain('hint: check --table and --region')
  })
})

describe('landfall device', () => {
  it('talks to no endpoint whose authority it doesn’t trust', async () => {
    await allow('add', 'careful')
    await device('careful')
    const ca = join(folder, 'careful.device.cert.pem')
    const run = await device('careful', '--ca', ca)
    expect(run).toMatchObject({ code: 1 })
    expect(run.stderr).toMatch(/error: .* shows a certificate of an unknown authority\nhint: give/)
  })

  it('publishes until Ctrl-C and then disconnects', async () => {
    await allow('add', 'steady')
    const { child, done, stdout } = startLandfall([
      ...['device', '--thing', 'steady', '--local', jsonFile, '--folder', folder],
      ...['--interval', '0.1'],
    ])
    while ((stdout().match(/published/g) ?? []).length < 3) {
      await new Promise((next) => setTimeout(next, 20))
    }
    child.kill('SIGINT')
    expect(await done).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/=> disconnected after \d+ messages\n$/),
    })
  })

  it('is refused when its request is forged', async () => {
    await allow('add', 'forged')
    const run = await device('forged', '--fake')
    expect(run.stderr).toContain('error: the edge refuses forged: wrong sig')
  })
})

describe('landfall doctor', () => {
  type Checks = { ok: boolean; checks: { check: string; ok: boolean; detail: string }[] }
  const doctor = async (...args: string[]) => doctorIn({}, ...args)
  const doctorIn = async (env: Record<string, string>, ...args: string[]) => {
    const run = await landfall(['doctor', '--json', ...args], { env })
    const { ok, checks }: Checks = JSON.parse(run.stdout)
    return { ...run, ok, failed: checks.filter((it) => !it.ok), checks }
  }

  it('finds nothing wrong with what works', async () => {
    const run = await doctor('--local', jsonFile)
    expect(run).toMatchObject({ code: 0, ok: true, failed: [] })
    expect(run.checks.map((it) => it.check)).toEqual([
      'configuration',
      'credentials',
      'clock',
      'table iot-global-provisioning',
      'table iot-global-control',
      'default product',
      'eu-west-1 role',
      'eu-west-1 endpoint',
      'eu-west-1 MQTT',
      'us-east-1 role',
      'us-east-1 endpoint',
      'us-east-1 MQTT',
      'router keys',
      'location data',
      'edge',
    ])
  })

  it('looks with the environment’s credentials where it is given a configuration', async () => {
    const { json } = local
    const run = await doctorIn(
      {
        AWS_ENDPOINT_URL: json.awsEndpointUrl,
        AWS_ACCESS_KEY_ID: json.edgeAccessKeyId,
        AWS_SECRET_ACCESS_KEY: json.edgeSecretAccessKey,
      },
      ...['--config', json.edgeConfigFile, '--ca', json.caFile],
    )
    expect(run).toMatchObject({ code: 0, ok: true, failed: [] })
    expect(run.checks[1]?.detail).toMatch(/:user\/landfall-edge$/)
  })

  it('names what doesn’t', async () => {
    const config = JSON.parse(await readFile(local.json.edgeConfigFile, 'utf8'))
    const [first, second] = config.deviceRegions
    const wrong = {
      ...config,
      tables: { allowList: 'iot-global-control', control: 'iot-global-control' },
      deviceRegions: [
        { ...first, roleArn: `${first.roleArn}-typo` },
        { ...second, endpointAddress: '127.0.0.1' },
      ],
    }
    const file = join(folder, 'wrong.json')
    await writeFile(file, JSON.stringify(wrong))
    const run = await doctor('--local', jsonFile, '--config', file)
    expect(run).toMatchObject({ code: 1, ok: false })
    expect(run.failed).toMatchObject([
      { check: 'table iot-global-control', detail: expect.stringContaining('not thing_name') },
      { check: 'eu-west-1 role', detail: expect.stringContaining('AccessDenied') },
      { check: 'us-east-1 endpoint', detail: expect.stringContaining('127.0.0.1 is configured') },
      { check: 'us-east-1 MQTT' },
    ])
  })

  it('reports every problem of a configuration, and stops there', async () => {
    const file = join(folder, 'bad.yaml')
    await writeFile(file, 'region: eu-west-1\ndeviceRegions: []\nleaseSeconds: 1\n')
    const run = await doctor('--config', file)
    expect(run.code).toBe(1)
    expect(run.checks).toMatchObject([
      {
        check: 'configuration',
        detail: expect.stringMatching(/deviceRegions: .*; leaseSeconds: /),
      },
    ])
  })

  it('is misuse without anything to look at', async () => {
    expect(await landfall(['doctor'])).toMatchObject({ code: 2, stdout: '' })
  })
})

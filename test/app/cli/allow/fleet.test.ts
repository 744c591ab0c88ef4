// One fleet in one table, as list, stats and export each see it: they are compared with it and one another.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import {
  type AttributeValue,
  BatchWriteItemCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Stage, setStage } from '../../../stage.ts'
import { writeStageJson } from '../../../stage-json.ts'
import { runHere } from '../run-here.ts'
import { startLandfall } from '../run-landfall.ts'

const table = 'iot-global-provisioning'
const region = 'eu-west-1'
const now = Math.floor(Date.now() / 1000) * 1000
const minute = 60_000
/** So large that the table has several pages of 1 MB. */
const filler = 'x'.repeat(20_000)

type Item = Record<string, AttributeValue>

function item(thingName: string, status: string, rest: Record<string, string> = {}): Item {
  const strings = { thing_name: thingName, prov_status: status, ...rest }
  return Object.fromEntries(Object.entries(strings).map(([name, S]) => [name, { S }]))
}

const ago = (minutes: number) => new Date(now - minutes * minute).toISOString().slice(0, 19)
const fleet: readonly Item[] = [
  ...Array.from({ length: 60 }, (_, at) =>
    item(`lamp-${at}`, 'provisioned', {
      product: 'lamps',
      aws_region: at % 3 === 0 ? 'us-east-1' : 'eu-west-1',
      certificate_id: `${at}`.padStart(64, '0'),
      // Some at the same second.
      prov_datetime: ago(10 + Math.floor(at / 2)),
    }),
  ),
  ...Array.from({ length: 8 }, (_, at) =>
    item(`pump-${at}`, 'provisioning', {
      product: 'pumps',
      aws_region: 'us-east-1',
      prov_datetime: ago(at),
    }),
  ),
  // As the seed leaves them.
  ...Array.from({ length: 7 }, (_, at) =>
    item(`mydevice${at}`, 'provisioned', {
      aws_region: 'eu-west-1',
      prov_datetime: ago(1000 + at),
    }),
  ),
  item('thief', 'blocked', { product: 'lamps', prov_datetime: ago(5) }),
  item('let-in-anew', 'unprovisioned', { product: 'lamps', prov_datetime: ago(15) }),
  item('misspelt', 'provisoned', { product: 'lamps', prov_datetime: ago(7) }),
  ...Array.from(
    { length: 150 },
    (_, at): Item => ({
      ...item(`new-${at}`, 'unprovisioned', { product: 'lamps', note: filler }),
      attributes: { M: { plan: { S: 'gold, "x"\r\ny' } } },
      rev: { N: '1' },
    }),
  ),
]

let stage: Stage
let folder: string
let localJson: string

beforeAll(async () => {
  stage = await setStage(['eu-west-1', 'us-east-1'])
  folder = await mkdtemp(join(tmpdir(), 'landfall-fleet-'))
  localJson = await writeStageJson(stage, folder)
  const requests = fleet.map((Item): WriteRequest => ({ PutRequest: { Item } }))
  for (let at = 0; at < requests.length; at += 25) {
    const RequestItems = { [table]: requests.slice(at, at + 25) }
    await stage.dynamoDb.send(new BatchWriteItemCommand({ RequestItems }))
  }
})
afterAll(async () => {
  await stage?.close()
  await rm(folder, { recursive: true, force: true })
})

const allow = (...args: string[]) => runHere(['allow', ...args, '--local', localJson])

async function list(...args: string[]): Promise<Record<string, unknown>[]> {
  const { stdout, stderr, code } = await allow('list', '--json', ...args)
  if (code !== 0) throw new Error(stderr)
  return linesOf(stdout)
}

function linesOf(stdout: string): Record<string, unknown>[] {
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line))
}

const names = (devices: readonly Record<string, unknown>[]) => devices.map((it) => it.thingName)
const namesWhere = (matches: (item: Item) => boolean) =>
  fleet.filter(matches).map((it) => it.thing_name?.S)

describe('landfall allow list', () => {
  it.each([1, 7, 60])('has every device once, newest first, %d at a time', async (limit) => {
    const filters = ['--product', 'lamps', '--status', 'provisioned']
    const all: Record<string, unknown>[] = []
    let from: string[] = []
    do {
      const page = await allow('list', '--json', '--limit', String(limit), ...filters, ...from)
      expect(page.code).toBe(0)
      all.push(...linesOf(page.stdout))
      const token = /^next: (\S+)$/m.exec(page.stderr)?.[1]
      from = token === undefined ? [] : ['--from', token]
    } while (from.length > 0)
    const times = all.map((it) => Number(it.statusSince))
    expect(times).toEqual(times.toSorted((a, b) => b - a))
    expect(names(all).toSorted()).toEqual(
      namesWhere((it) => it.thing_name?.S?.startsWith('lamp-') === true).toSorted(),
    )
  })

  it('goes on over several statuses by the token alone, with the times that it began with', async () => {
    const first = await allow('list', '--since', `${ago(12)}Z`, '--limit', '9', '--json')
    const token = /^next: (\S+)$/m.exec(first.stderr)?.[1] ?? ''
    const rest = await list('--from', token)
    const all = [...linesOf(first.stdout), ...rest]
    const expected = fleet.filter(
      (it) => (it.prov_datetime?.S ?? '') >= ago(12) && it.thing_name?.S !== 'misspelt',
    )
    // In the order of their times, whatever their status.
    expect(all.map((it) => it.statusSince)).toEqual(
      all.map((it) => Number(it.statusSince)).toSorted((a, b) => b - a),
    )
    // A misspelt status is in no partition that is asked for.
    expect(names(all).toSorted()).toEqual(expected.map((it) => it.thing_name?.S).toSorted())
    expect(new Set(all.map((it) => it.status))).toEqual(
      new Set(['provisioning', 'provisioned', 'blocked']),
    )
  })

  it('takes a device without a product for one of the default product', async () => {
    expect(names(await list('--product', 'default', '--status', 'provisioned'))).toEqual(
      Array.from({ length: 7 }, (_, at) => `mydevice${at}`),
    )
    expect(await list('--product', 'default', '--in', 'us-east-1')).toEqual([])
  })

  it('finds stuck claims by region and age', async () => {
    expect(
      names(
        await list('--in', 'us-east-1', '--status', 'provisioning', '--older-than', `${ago(6)}Z`),
      ),
    ).toEqual(['pump-6', 'pump-7'])
    expect(names(await list('--since', `${ago(1000)}Z`, '--older-than', '500m'))).toEqual([
      'mydevice0',
    ])
  })

  it('shows a table for people, and says what an index doesn’t have', async () => {
    const { stdout, stderr } = await allow('list', '--product', 'pumps', '--limit', '3')
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^device +status +product +region +since +certificate$/),
      expect.stringMatching(/^pump-0 +provisioning +pumps +us-east-1 +\d{4}-\d\d-\d\dT\S+Z +-$/),
      expect.stringMatching(/^pump-1 /),
      expect.stringMatching(/^pump-2 /),
      '',
    ])
    expect(stderr).toMatch(
      /^note: devices that never asked are in no index; --scan has them too\nnext: /,
    )
    const none = await allow('list', '--in', 'ap-south-1')
    expect(none).toEqual({
      code: 0,
      stdout: '',
      stderr:
        'no device matches\nnote: devices that never asked are in no index; --scan has them too\n',
    })
  })

  it('reads the table for devices that never asked, says what that costs, and asks', async () => {
    const asked = await allow('list', '--status', 'unprovisioned')
    expect(asked).toMatchObject({ code: 2, stdout: '' })
    expect(asked.stderr).toMatch(/^This reads the whole table iot-global-provisioning: .* USD/)
    expect(asked.stderr).toContain('error: nobody is here to ask\nhint: add --yes')
    await stage.clearCalls()
    const listed = await list('--status', 'unprovisioned', '--yes', '--all')
    expect(names(listed).toSorted()).toEqual(
      namesWhere((it) => it.prov_status?.S === 'unprovisioned').toSorted(),
    )
    const calls = (await stage.calls()).map((it) => it.operation)
    expect(calls.filter((it) => it === 'Query')).toEqual([])
    expect(calls.filter((it) => it === 'Scan').length).toBeGreaterThan(2)
  })

  it('asks nothing where it reads no more than it shows, and counts rows that are no device record', async () => {
    await stage.clearCalls()
    const all: Record<string, unknown>[] = []
    const run = await allow('list', '--limit', '100', '--json')
    all.push(...linesOf(run.stdout))
    const token = /^next: (\S+)$/m.exec(run.stderr)?.[1] ?? ''
    const rest = await allow('list', '--from', token, '--all', '--yes', '--json')
    all.push(...linesOf(rest.stdout))
    expect(names(all).toSorted()).toEqual(namesWhere(() => true).toSorted())
    expect(all.find((it) => it.thingName === 'misspelt')?.unreadable).toMatch(/prov_status/)
    expect(`${run.stderr}${rest.stderr}`).toContain(
      'note: 1 of these rows is no device record: npx landfall allow show misspelt says why',
    )
  })

  it.each([
    [['--in', 'mars-1'], '--in mars-1 is no Region'],
    [['--status', 'gone'], 'Allowed choices are unprovisioned'],
    [['--since', 'yesterday'], 'A time like'],
    [['--since', '1h', '--older-than', '2d', '--limit', '0'], 'whole number'],
    [['--since', '1h', '--older-than', '1s', '--from', 'e30'], 'no token'],
    [['--since', '1s', '--older-than', '1h'], '--since lies after --older-than'],
    [['--from', 'nonsense'], '--from is no token'],
  ])('refuses %j as misuse', async (args, message) => {
    const { code, stderr } = await allow('list', ...args)
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })

  it('refuses to go on with another list', async () => {
    const first = await allow('list', '--status', 'provisioned', '--limit', '1')
    const token = /^next: (\S+)$/m.exec(first.stderr)?.[1] ?? ''
    const other = await allow('list', '--status', 'blocked', '--from', token)
    expect(other).toMatchObject({ code: 2, stdout: '' })
    expect(other.stderr).toContain('--from goes on with another list')
    const same = await allow('list', '--status', 'provisioned', '--from', token, '--limit', '1')
    expect(same.code).toBe(0)
  })

  it('says what to do about a table without indexes', async () => {
    const run = await allow('list', '--status', 'blocked', '--table', 'iot-global-control')
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(/error: iot-global-control has no such index.*\nhint: --scan reads/)
  })

  it('waits where the table fails for a while, and says so', async () => {
    await stage.fault({ service: 'dynamodb', operation: 'Query', kind: 'error-before', times: 4 })
    const run = await allow('list', '--status', 'blocked', '--json')
    expect(run.stderr).toMatch(/^note: .*: asking again in 1 s\n/)
    expect(names(linesOf(run.stdout))).toEqual(['thief'])
  })

  it('shows what it has when it is interrupted, and how to go on', async () => {
    const interrupted = new AbortController()
    await stage.fault({
      service: 'dynamodb',
      operation: 'Scan',
      kind: 'hang',
      afterCalls: 2,
      region,
    })
    const args = ['allow', 'list', '--all', '--yes', '--json', '--local', localJson]
    const running = runHere(args, interrupted.signal)
    await stage.faultFired(region)
    interrupted.abort()
    const first = await running
    await stage.clearFaults()
    expect(first.code).toBe(1)
    const token = /error: interrupted\nhint: go on with --from (\S+)/.exec(first.stderr)?.[1] ?? ''
    const rest = await list('--from', token, '--all', '--yes')
    const before = linesOf(first.stdout)
    expect(before.length).toBeGreaterThan(0)
    expect(names([...before, ...rest]).toSorted()).toEqual(namesWhere(() => true).toSorted())
  })

  it('ends cleanly where nobody reads on', async () => {
    const started = startLandfall([
      'allow',
      'list',
      '--all',
      '--yes',
      '--json',
      '--local',
      localJson,
    ])
    started.child.stdout?.once('data', () => started.child.stdout?.destroy())
    expect(await started.done).toMatchObject({ code: 0 })
    expect(started.stderr()).not.toContain('error')
  })
})

describe('landfall allow stats', () => {
  it('counts by status, product and region, and what is no device record', async () => {
    const { stdout, stderr, code } = await allow('stats', '--yes', '--json', '--segments', '3')
    expect(code).toBe(0)
    expect(stderr).toMatch(/^This reads the whole table/)
    const stats = JSON.parse(stdout)
    expect(stats).toMatchObject({ table, devices: fleet.length - 1, unreadable: 1 })
    expect(stats.statuses).toEqual([
      { status: 'unprovisioned', devices: 151 },
      { status: 'provisioned', devices: 67 },
      { status: 'provisioning', devices: 8 },
      { status: 'blocked', devices: 1 },
    ])
    expect(stats.products).toEqual([
      { product: 'lamps', devices: 212, provisioned: 60 },
      { product: 'pumps', devices: 8, provisioned: 0 },
      { product: 'default', devices: 7, provisioned: 7 },
    ])
    expect(stats.regions).toEqual([
      { region: null, devices: 152, provisioned: 0 },
      { region: 'eu-west-1', devices: 47, provisioned: 47 },
      { region: 'us-east-1', devices: 28, provisioned: 20 },
    ])
    expect(stats.groups).toContainEqual({
      status: 'provisioning',
      product: 'pumps',
      region: 'us-east-1',
      devices: 8,
    })
    expect(stats.readUnits).toBeGreaterThan(300)
  })

  it('says it in words, too', async () => {
    const { stdout, stderr } = await allow('stats', '--yes')
    expect(stdout).toMatch(/^227 devices in iot-global-provisioning\n\nstatus +devices +share %\n/)
    expect(stdout).toMatch(/\nlamps +212 +93\.4 +60\n/)
    expect(stdout).toMatch(/\nnone +152 +67\.0 +0\n/)
    expect(stderr).toContain(
      'note: 1 row is no device record: misspelt; npx landfall allow show NAME',
    )
  })

  it('asks before it reads', async () => {
    expect(await allow('stats')).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('landfall allow export', () => {
  const file = (name: string) => join(folder, name)

  it('writes every row as CSV that reads back the same, and says what has no column', async () => {
    const run = await allow('export', file('all.csv'), '--yes', '--segments', '4')
    expect(run).toMatchObject({ code: 0, stdout: `${file('all.csv')}: 228 rows\n` })
    expect(run.stderr).toContain('note: note is no attribute of Landfall’s, so not in it')
    const rows = parse<Record<string, string>>(await readFile(file('all.csv'), 'utf8'), {
      columns: true,
    })
    expect(rows).toHaveLength(fleet.length)
    expect(new Set(rows.map((it) => it.thing_name))).toEqual(new Set(namesWhere(() => true)))
    const one = rows.find((it) => it.thing_name === 'new-7')
    expect(one).toMatchObject({
      prov_status: 'unprovisioned',
      product: 'lamps',
      rev: '1',
      aws_region: '',
    })
    expect(JSON.parse(one?.attributes ?? '')).toEqual({ plan: 'gold, "x"\r\ny' })
  })

  it('writes what an import takes of devices that have nothing yet, packed by the file’s name', async () => {
    const path = file('new.ndjson.gz')
    const run = await allow('export', path, '--yes', '--status', 'unprovisioned')
    expect(run.stdout).toBe(`${path}: 151 of 228 rows\n`)
    const rows = linesOf(gunzipSync(await readFile(path)).toString())
    expect(rows.find((it) => it.thing_name === 'new-0')).toEqual({
      thing_name: 'new-0',
      prov_status: 'unprovisioned',
      product: 'lamps',
      attributes: { plan: 'gold, "x"\r\ny' },
    })
    const whole = await allow('export', '--yes', '--format', 'ndjson')
    const one = linesOf(whole.stdout).find((it) => it.thing_name === 'new-0')
    expect(one).toMatchObject({ rev: 1, note: filler })
  })

  it('writes the columns that are asked for, to stdout', async () => {
    const run = await allow(
      'export',
      '--yes',
      '--product',
      'pumps',
      '--columns',
      'thing_name,aws_region',
    )
    const [head, ...rows] = run.stdout.trimEnd().split('\n')
    expect(head).toBe('thing_name,aws_region')
    expect(rows.toSorted()).toEqual(Array.from({ length: 8 }, (_, at) => `pump-${at},us-east-1`))
    expect(run.stderr).toContain('8 of 228 rows\n')
  })

  it('leaves the file as it was where the table can’t be read to its end', async () => {
    const path = file('kept.csv')
    await writeFile(path, 'as it was')
    const error = { code: 'AccessDeniedException', status: 400, message: 'no more' }
    await stage.fault({
      service: 'dynamodb',
      operation: 'Scan',
      kind: 'error-before',
      afterCalls: 2,
      error,
    })
    const run = await allow('export', path, '--yes', '--segments', '1')
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(
      /error: iot-global-provisioning can’t be read: no more\nhint: these credentials/,
    )
    expect(await readFile(path, 'utf8')).toBe('as it was')
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it.each([
    ['/dev/full', 'the disk is full', 1],
    ['/nowhere/fleet.csv', 'there is no such folder', 1],
    [tmpdir(), 'it is a folder', 1],
  ])('says why it can’t write %s', async (path, why, code) => {
    const run = await allow('export', path, '--yes')
    expect(run).toMatchObject({ code, stdout: '' })
    expect(run.stderr).toContain(`error: ${path} can’t be written: ${why}`)
  })

  it('leaves nothing behind when it is interrupted', async () => {
    const interrupted = new AbortController()
    await stage.fault({
      service: 'dynamodb',
      operation: 'Scan',
      kind: 'hang',
      afterCalls: 1,
      region,
    })
    const args = [
      'allow',
      'export',
      file('half.csv'),
      '--yes',
      '--segments',
      '1',
      '--local',
      localJson,
    ]
    const running = runHere(args, interrupted.signal)
    await stage.faultFired(region)
    interrupted.abort()
    const run = await running
    await stage.clearFaults()
    expect(run).toMatchObject({ code: 1, stdout: '' })
    expect(run.stderr).toContain('error: interrupted: there is no file')
    expect((await readdir(folder)).filter((name) => name.startsWith('half'))).toEqual([])
  })
})

describe('what reads the whole list', () => {
  it.each([
    [['list', '--all', '--limit', '1'], "option '--all' cannot be used with option '--limit <n>'"],
    [['export', '--format', 'csv', '--json'], '--json is the same as --format ndjson, not csv'],
  ])('refuses flags of which one would go unheard: %j', async (args, message) => {
    expect(await allow(...args)).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: ${message}\nhint: leave one of them out\n`,
    })
    expect((await allow(...args.slice(0, 1), '--json', '--yes')).code).toBe(0)
  })
})

// One stage for all that an import does to a table; rows, rejects, pace and --update have files of their own.

import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AttributeValue, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import { describe, expect, it } from 'vitest'
import { runHere } from '../../run-here.ts'
import { startLandfall } from '../../run-landfall.ts'
import { rejectsOf, useImportStage } from './use-import-stage.ts'

const TableName = 'iot-global-provisioning'
const certificate = '0'.repeat(64)

const { on, fleet, importFile } = useImportStage(['eu-west-1', 'us-east-1'])
const importText = async (content: string, ...flags: string[]) =>
  importFile(await fleet(content), ...flags)
const summaryOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout)

async function putRow(thingName: string, members: Record<string, string> = {}): Promise<void> {
  const row = { thing_name: thingName, prov_status: 'unprovisioned', ...members }
  const Item = Object.fromEntries(Object.entries(row).map(([name, S]) => [name, { S }]))
  await on.stage.dynamoDb.send(new PutItemCommand({ TableName, Item }))
}

/** Every row of these devices, as it lies in the table. */
async function table(prefix: string): Promise<Map<string, Record<string, AttributeValue>>> {
  const { Items = [] } = await on.stage.dynamoDb.send(new ScanCommand({ TableName }))
  const named = Items.map((item) => [item.thing_name?.S ?? '', item] as const)
  return new Map(named.filter(([name]) => name.startsWith(prefix)).sort())
}

describe('landfall allow import', () => {
  it('adds what is missing and touches nothing that is there, however often', async () => {
    await putRow('t-provisioned', { prov_status: 'provisioned', certificate_id: certificate })
    await putRow('t-claimed', { prov_status: 'provisioning', attempt_id: 'x' })
    await putRow('t-allowed')
    const before = await table('t-')
    const content = `thing_name,region_pin,attributes
t-new-1,us-east-1,"{""plan"":""gold""}"
t-provisioned,,
t-claimed,us-east-1,
t-allowed,us-east-1,
t-new-2,,
`
    const first = await importText(content)
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toMatch(
      /^5 rows in .*: 2 added; 3 in the list already: left as they are\n$/,
    )
    const after = await table('t-')
    for (const [name, row] of before) expect(after.get(name)).toEqual(row)
    expect(after.size).toBe(5)
    expect(await on.stage.row('t-new-1')).toMatchObject({
      status: 'unprovisioned',
      regionPin: 'us-east-1',
      attributes: { plan: 'gold' },
      history: [{ event: 'allowed', by: expect.stringMatching(/^arn:aws:iam::/) }],
    })
    expect(summaryOf(await importText(content, '--json'))).toMatchObject({ added: 0, present: 5 })
    expect(await table('t-')).toEqual(after)
  })

  it('puts rejected rows into a file that can be corrected and imported', async () => {
    const path = await fleet('thing_name,product\nr-1,default\nr 2,default\nr-3,nothing,x\nr-4,\n')
    const run = await importFile(path)
    const rejects = path.replace('.csv', '.rejects.csv')
    expect(run).toMatchObject({
      code: 3,
      stderr: `error: 2 rows were rejected: see ${rejects}\nhint: correct them there, and import that file\n`,
    })
    const text = await readFile(rejects, 'utf8')
    expect(text.split('\n')).toEqual([
      'rejected_line,rejected_reason,thing_name,product',
      expect.stringMatching(/^3,"thing_name ""r 2"" is none: .*",r 2,default$/),
      '4,"has 3 fields, and the header names 2 columns",r-3,nothing,x',
      '',
    ])
    expect([...(await table('r-')).keys()]).toEqual(['r-1', 'r-4'])
    await writeFile(rejects, text.replace('r 2', 'r-2').replace('r-3,nothing,x', 'r-3,default'))
    expect(await importFile(rejects)).toMatchObject({ code: 3 })
    await writeFile(rejects, text.replace(/,r 2,/, ',r-2,').replace('r-3,nothing,x', 'r-3,default'))
    expect(await importFile(rejects)).toMatchObject({ code: 0 })
    expect((await table('r-')).size).toBe(4)

    const ndjson = await fleet(
      '{"thing_name":"r-5"}\nnothing\n{"thing_name":"r-6","product":7}\n',
      '',
    )
    expect(await importFile(ndjson)).toMatchObject({ code: 3 })
    const lines = (await readFile(`${ndjson}.rejects.ndjson`, 'utf8')).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { rejected_line: 2, rejected_reason: 'is no JSON', rejected_text: 'nothing' },
      { rejected_line: 3, rejected_reason: 'product 7 is no text', thing_name: 'r-6', product: 7 },
    ])
  })

  it('leaves no file of rejects where there are none, and overwrites none', async () => {
    const path = await fleet('thing_name\nf 1\n')
    await importFile(path)
    const first = await readFile(path.replace('.csv', '.rejects.csv'), 'utf8')
    expect(await importFile(path)).toMatchObject({
      stderr: expect.stringContaining('rejects-2.csv'),
    })
    expect(await readFile(path.replace('.csv', '.rejects.csv'), 'utf8')).toBe(first)
    const clean = await fleet('thing_name\nf-1\n')
    expect(await importFile(clean)).toMatchObject({ code: 0 })
    const beside = (await readdir(on.folder)).filter((name) => clean.endsWith(name.slice(0, 7)))
    expect(beside.filter((name) => name.includes('rejects'))).toEqual([])
    expect(await importFile(path, '--rejects', path)).toMatchObject({ code: 2 })
  })

  it('says in a dry run what it would do, and writes nothing', async () => {
    await putRow('d-there')
    await putRow('d-claimed', { prov_status: 'provisioning', attempt_id: 'x' })
    const before = await table('d-')
    const path = await fleet(
      'thing_name,region_pin\nd-there,us-east-1\nd-claimed,us-east-1\nd-new,\nd 1,\n',
    )
    const filesBefore = await readdir(on.folder)
    const run = await importFile(path, '--dry-run', '--update', '--json')
    expect(run).toMatchObject({ code: 3, stderr: expect.stringContaining('1 row was rejected') })
    expect(summaryOf(run)).toMatchObject({
      added: 1,
      amended: 1,
      kept: 1,
      rejected: 1,
      dryRun: true,
    })
    expect(await table('d-')).toEqual(before)
    expect(await readdir(on.folder)).toEqual(filesBefore)
  })

  it('changes with --update only devices that nobody has begun with', async () => {
    await putRow('u-free', { note: 'by hand' })
    await putRow('u-same', { region_pin: 'us-east-1' })
    await putRow('u-claimed', { prov_status: 'provisioning', attempt_id: 'x' })
    await putRow('u-provisioned', { prov_status: 'provisioned', certificate_id: certificate })
    await putRow('u-blocked', { prov_status: 'blocked' })
    // Freed by hand: what it names is superseded in the region that it names.
    await putRow('u-freed', { aws_region: 'eu-west-1', certificate_id: certificate })
    const before = await table('u-')
    const names = [...before.keys(), 'u-new']
    const content = `thing_name,region_pin\n${names.map((name) => `${name},us-east-1\n`).join('')}`
    const counted = { added: 1, amended: 1, same: 1, kept: 4 }
    expect(summaryOf(await importText(content, '--update', '--json'))).toMatchObject(counted)
    const after = await table('u-')
    for (const name of names.filter((it) => it !== 'u-free' && it !== 'u-new')) {
      expect(after.get(name), name).toEqual(before.get(name))
    }
    expect(after.get('u-free')).toMatchObject({
      note: { S: 'by hand' },
      region_pin: { S: 'us-east-1' },
    })
    expect((await on.stage.row('u-free'))?.history).toMatchObject([
      { event: 'amended', by: expect.stringMatching(/^arn:aws:iam::/) },
    ])
    const again = { added: 0, amended: 0, same: 3, kept: 4 }
    expect(summaryOf(await importText(content, '--update', '--json'))).toMatchObject(again)
    expect(await table('u-')).toEqual(after)
  })

  it('takes what an export of unprovisioned devices gives', async () => {
    const rows = `{"thing_name":"e-1","attributes":{"note":"a,\\"b\\"\\nc"}}\n{"thing_name":"e-2","region_pin":"us-east-1"}\n`
    expect(await importFile(await fleet(rows, '.ndjson'))).toMatchObject({ code: 0 })
    const before = await table('e-')
    for (const suffix of ['.csv', '.ndjson.gz']) {
      const file = join(on.folder, `export${suffix}`)
      const flags = ['--status', 'unprovisioned', '--yes', '--local', on.localJson]
      expect(await runHere(['allow', 'export', file, ...flags])).toMatchObject({ code: 0 })
      const { added, rejected, same } = summaryOf(await importFile(file, '--update', '--json'))
      expect({ added, rejected }).toEqual({ added: 0, rejected: 0 })
      expect(same).toBeGreaterThanOrEqual(2)
    }
    expect(await table('e-')).toEqual(before)
  })

  it('takes the first of several rows of one name, and says where the others are', async () => {
    const rows = Array.from({ length: 40 }, (_, index) => `w-${index % 4},"{""n"":""${index}""}"\n`)
    const path = await fleet(`thing_name,attributes\n${rows.join('')}`)
    for (const flags of [['--dry-run'], [], [], ['--update']]) {
      const run = await importFile(path, '--json', ...flags)
      expect(run).toMatchObject({ code: 3 })
      expect(summaryOf(run)).toMatchObject({ rows: 40, rejected: 36 })
    }
    for (const index of [0, 1, 2, 3]) {
      expect((await on.stage.row(`w-${index}`))?.attributes).toEqual({ n: String(index) })
    }
    const [, first, ...others] = (await readFile(rejectsOf(path), 'utf8')).trimEnd().split('\n')
    expect(first).toMatch(/^6,"?thing_name stands in an earlier line, too/)
    expect(others).toHaveLength(35)
  })

  it('knows the first row of a name where that was passed over, too', async () => {
    const path = await fleet('thing_name,product\no-1,\no-2,nothing\no-1,\no-2,\n')
    const run = await importFile(path, '--from-line', '4', '--json')
    expect(run).toMatchObject({ code: 3 })
    expect(summaryOf(run)).toMatchObject({ rows: 2, added: 1, rejected: 1 })
    expect([...(await table('o-')).keys()]).toEqual(['o-2'])
    expect(await readFile(rejectsOf(path), 'utf8')).toMatch(/\n4,"?thing_name stands in an earlier/)
  })

  it('loses no row and counts none twice where writes fail before or after, or their answers are lost', async () => {
    const put = { service: 'dynamodb', operation: 'PutItem' }
    for (const kind of ['error-before', 'error-after', 'lost', 'lost-before', 'throttle']) {
      await on.stage.fault({ ...put, kind, times: 5 })
    }
    const names = Array.from({ length: 100 }, (_, index) => `x-${index}`)
    const run = await importText(`thing_name\n${names.join('\n')}\n`, '--json')
    expect(run).toMatchObject({ code: 0 })
    expect(summaryOf(run)).toMatchObject({ rows: 100, added: 100, present: 0 })
    expect(new Set((await table('x-')).keys())).toEqual(new Set(names))
  })

  it('changes a device once, whatever becomes of the write', async () => {
    const update = { service: 'dynamodb', operation: 'UpdateItem' }
    for (const kind of ['error-before', 'error-after', 'lost']) {
      await putRow(`y-${kind}`)
      await on.stage.fault({ ...update, kind, times: 1 })
      const run = await importText(
        `thing_name,region_pin\ny-${kind},us-east-1\n`,
        '--update',
        '--json',
      )
      expect(summaryOf(run)).toMatchObject({ amended: 1 })
      expect((await on.stage.row(`y-${kind}`))?.history).toMatchObject([{ event: 'amended' }])
    }
  })

  it('leaves a device to an attempt that claims it between its read and its write', async () => {
    await putRow('z-raced')
    await on.stage.fault({
      service: 'dynamodb',
      operation: 'UpdateItem',
      kind: 'delay',
      delayMs: 400,
    })
    const path = await fleet('thing_name,region_pin\nz-raced,us-east-1\n')
    const importing = importFile(path, '--update', '--json')
    await sleep(200)
    await putRow('z-raced', { prov_status: 'provisioning', attempt_id: 'x' })
    expect(summaryOf(await importing)).toMatchObject({ kept: 1 })
    expect(await on.stage.row('z-raced')).toMatchObject({ status: 'provisioning', history: [] })
  })

  it('ends where it may not write, and says from where to go on', async () => {
    const error = { code: 'AccessDeniedException', status: 400, message: 'not authorized' }
    const put = { service: 'dynamodb', operation: 'PutItem', kind: 'error-before' }
    await on.stage.fault({ ...put, error, times: null, afterCalls: 3 })
    const path = await fleet(`thing_name\n${'abcdefgh'.split('').join('\nn-')}\n`)
    const run = await importFile(path, '--parallel', '1')
    expect(run).toMatchObject({ code: 1, stdout: expect.stringContaining('3 added') })
    expect(run.stderr).toContain('wasn’t imported: not authorized; every row before line 5 is done')
    expect(run.stderr).toContain(
      'hint: these credentials may not do it; then --from-line 5 goes on',
    )
    await on.stage.clearFaults()
    const rest = await importFile(path, '--from-line', '5', '--json')
    expect(rest).toMatchObject({ code: 0 })
    expect(summaryOf(rest)).toMatchObject({ rows: 5, added: 5 })
    const elsewhere = await importFile(path, '--table', 'other')
    expect(elsewhere).toMatchObject({ code: 1 })
    expect(elsewhere.stderr).toContain('hint: check --table and --region')
  })

  it('writes no row where the file or its rejects can’t be used', async () => {
    await on.stage.clearCalls()
    const good = await fleet('thing_name\ng-1\n')
    const wrong = [
      await importFile(join(on.folder, 'none.csv')),
      await importText('thing_name,owner\ng-1,me\n'),
      await importText('\0\0\0\0'),
      await importFile(good, '--rejects', join(on.folder, 'no-folder', 'rejects.csv')),
      await importFile(good, '--control-table', 'other'),
    ]
    expect(wrong.map((run) => run.code)).toEqual([1, 1, 1, 1, 1])
    expect(wrong[1]?.stderr).toContain('"owner"\nhint: the columns may be thing_name, prov_status,')
    expect(wrong[3]?.stderr).toContain('there is no such folder\nhint: give --rejects another file')
    expect((await on.stage.calls()).filter((it) => it.operation === 'PutItem')).toEqual([])
  })

  it('ends where the disk for the rejects is full', async () => {
    const names = Array.from({ length: 50 }, (_, index) => (index === 20 ? 'h h' : `h-${index}`))
    const path = await fleet(`thing_name\n${names.join('\n')}\n`)
    const run = await importFile(path, '--rejects', '/dev/full', '--parallel', '1')
    expect(run).toMatchObject({ code: 1, stdout: expect.stringContaining('20 added') })
    expect(run.stderr).toContain(
      "can't be written to /dev/full: no space is left there; every row before line 22 is done",
    )
    expect(run.stderr).toContain('hint: give --rejects another file; then --from-line 22 goes on')
    for (const row of (await table('h-')).values()) expect(row.prov_status?.S).toBe('unprovisioned')
  })
})

describe('a process of landfall allow import', () => {
  const start = (path: string, ...flags: string[]) =>
    startLandfall(['allow', 'import', path, '--local', on.localJson, ...flags], { stdin: 'pipe' })

  it('tells its progress, ends at Ctrl-C after what is under way, and says how to go on', async () => {
    const { child, done, stderr } = start(
      '-',
      '--progress',
      '0.05',
      '--rejects',
      join(on.folder, 'c'),
    )
    const names = Array.from({ length: 30 }, (_, index) => `c-${index}`)
    child.stdin?.write(`thing_name\n${names.join('\n')}\nc-cut`)
    while (!stderr().includes('"rows":30,')) await sleep(20)
    child.kill('SIGINT')
    const run = await done
    expect(run).toMatchObject({
      code: 130,
      stdout: expect.stringMatching(/^30 rows in .*30 added/),
    })
    expect(run.stderr).toContain('error: stopped at a row boundary, before line 32 of stdin')
    expect(run.stderr).toContain('hint: --from-line 32 goes on there')
    expect(new Set((await table('c-')).keys())).toEqual(new Set(names))
    const line = run.stderr.split('\n').find((it) => it.includes('"rows":30,')) ?? ''
    expect(JSON.parse(line)).toMatchObject({ rows: 30, rejected: 0, seconds: expect.any(Number) })
  })

  it('reads a header that comes in pieces', async () => {
    const { child, done } = start('-', '--rejects', join(on.folder, 'v'), '--json')
    await on.stage.clearCalls()
    child.stdin?.write('thing_name')
    // Its products are read before its input: the first piece is all that it finds.
    while (!(await on.stage.calls()).some((it) => it.service === 'sts')) await sleep(20)
    await sleep(200)
    child.stdin?.end(';region_pin\nv-1;us-east-1\n')
    const run = await done
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect((await table('v-')).get('v-1')).toMatchObject({ region_pin: { S: 'us-east-1' } })
  })

  it.each([[''], ['thing_name,prod']])(
    'ends at once at Ctrl-C while it waits for stdin after "%s"',
    async (begun) => {
      await on.stage.clearCalls()
      const { child, done } = start('-')
      child.stdin?.write(begun)
      while (!(await on.stage.calls()).some((it) => it.service === 'sts')) await sleep(20)
      await sleep(200)
      child.kill('SIGINT')
      expect(await done).toMatchObject({
        code: 130,
        stdout: '',
        stderr: 'error: stopped before the first row of stdin\n',
      })
    },
  )

  it('refuses a line of a gigabyte without reading it', async () => {
    const { child, done } = start('-', '--rejects', join(on.folder, 'l'))
    const chunk = Buffer.alloc(1_048_576, 'x')
    child.stdin?.on('error', () => {})
    child.stdin?.write('thing_name\n')
    let written = 0
    while (written < 1024 && child.stdin?.writable === true) {
      written += 1
      if (!child.stdin.write(chunk))
        await Promise.race([once(child.stdin, 'drain').catch(() => {}), done])
      if (child.exitCode !== null) break
    }
    child.stdin?.end()
    const run = await done
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('longer than 256 KiB') })
    expect(written).toBeLessThan(100)
  })

  it('may be killed at any row: started again, it makes the table what the file says', async () => {
    const names = Array.from({ length: 240 }, (_, index) => `k-${index}`)
    const isWrong = (index: number) => index % 50 === 7
    const rows = names.map((name, index) => `${name},${isWrong(index) ? 'nothing' : ''}\n`)
    const path = await fleet(`thing_name,product\n${rows.join('')}`)
    const provisioned = names.filter((_, index) => index % 40 === 3)
    for (const name of provisioned) {
      await putRow(name, { prov_status: 'provisioned', certificate_id: certificate })
    }
    const before = await table('k-')
    for (const most of [100, 230]) {
      const at = randomInt(1, most)
      await on.stage.clearCalls()
      const { child, done } = start(path, '--parallel', '8')
      while ((await on.stage.calls()).filter((it) => it.operation === 'PutItem').length < at) {
        if (child.exitCode !== null) throw new Error(`it ended before row ${at}`)
        await sleep(10)
      }
      child.kill('SIGKILL')
      expect((await done).code).toBeNull()
    }
    expect(await importFile(path)).toMatchObject({ code: 3 })
    const after = await table('k-')
    expect(new Set(after.keys())).toEqual(new Set(names.filter((_, index) => !isWrong(index))))
    for (const name of provisioned) expect(after.get(name)).toEqual(before.get(name))
  })
})

import { sign } from 'node:crypto'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LocalProcess, startLocalProcess } from '../local-process.ts'
import { runHere } from '../run-here.ts'
import { startLandfall } from '../run-landfall.ts'

let folder: string
let local: LocalProcess
let jsonFile: string
let edgeLog: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-watch-'))
  local = await startLocalProcess(join(folder, 'local'), '--regions', 'eu-west-1,us-east-1')
  jsonFile = join(folder, 'local', 'local.json')
  edgeLog = join(folder, 'local', 'edge.log')
})
afterAll(async () => {
  await local?.end('SIGTERM')
  await rm(folder, { recursive: true })
})

/** A device asks the real edge, from New York. */
async function ask(thingName: string): Promise<number> {
  const key = await readFile(local.json.signingKeyFile, 'utf8')
  const body = {
    'thing-name': thingName,
    'thing-name-sig': sign('sha256', Buffer.from(thingName), key).toString('base64'),
  }
  const answer = await fetch(local.json.provisionUrl, {
    method: 'POST',
    headers: { 'X-Forwarded-For': '128.59.1.1' },
    body: JSON.stringify(body),
  })
  return answer.status
}

async function until(what: () => boolean): Promise<void> {
  const giveUpAt = Date.now() + 15_000
  while (!what()) {
    if (Date.now() > giveUpAt) throw new Error('it never came')
    await sleep(20)
  }
}

const eventsOf = (stdout: string) =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

describe('landfall watch', () => {
  it('shows what a real edge does as it happens, and sums it up at Ctrl-C', async () => {
    const watching = startLandfall(['watch', '--local', jsonFile, '--from-start'])
    await runHere(['allow', 'add', 'bulb-1', '--local', jsonFile])
    expect(await ask('bulb-1')).toBe(200)
    expect(await ask('unheard-of')).toBe(403)
    await until(() => watching.stdout().includes('unheard-of'))
    watching.child.kill('SIGINT')
    const { code, stdout, stderr } = await watching.done
    expect(code).toBe(0)
    // What the edge says as it starts: more where it has a location table, else a warning of its own.
    expect(stderr).toMatch(/^note: \d lines? tells? of nothing here\n$/)
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\d, times in UTC\n\d\d:\d\d:\d\d {2}/)
    expect(stdout).toMatch(
      /\n\d\d:\d\d:\d\d {2}provisioned {2}bulb-1 +us-east-1 +\d+ km {2}nearest: /,
    )
    expect(stdout).toMatch(
      /\n\d\d:\d\d:\d\d {2}refused +unheard-of +- +unknown; from 128\.59\.1\.1\n/,
    )
    expect(stdout).toMatch(/\n2 requests.*: 1 provisioned, 0 repeated, 1 refused, 0 failed\n/)
    expect(stdout).toMatch(/\nus-east-1 +1 +0 +0 +\d+\n/)
    expect(stdout).toMatch(/\nunknown +1\n$/)
  })

  it('reads stdin as a collector gives it, keeps to the filters, and ends with it', async () => {
    await runHere(['allow', 'add', 'bulb-2', '--local', jsonFile])
    await ask('bulb-2')
    await ask('unheard-of')
    const lines = (await readFile(edgeLog, 'utf8')).trimEnd().split('\n')
    const piped = startLandfall(['watch', '-', '--json', '--outcome', 'refused'], { stdin: 'pipe' })
    const collected = lines.map((line) => `2026-11-25T16:03:05 ${line}`)
    piped.child.stdin?.end(`START RequestId: 1\n${collected.join('\n')}\nEND RequestId: 1`)
    const { code, stdout, stderr } = await piped.done
    expect(code).toBe(0)
    const events = eventsOf(stdout)
    expect(new Set(events.map((it) => it.outcome))).toEqual(new Set(['refused']))
    expect(events.at(-1)).toMatchObject({
      type: 'request',
      thingName: 'unheard-of',
      reason: 'unknown',
      status: 403,
      address: '128.59.1.1',
      edge: 'eu-west-1',
    })
    expect(stderr).toMatch(
      /^\d+ requests?.*: 0 provisioned, 0 repeated, \d+ refused, 0 failed\nnote: \d+ lines tell/,
    )
  })

  it('reads a log to its end, all of it or the last events', async () => {
    const log = join(folder, 'kept.log')
    const line = (at: number) =>
      JSON.stringify({
        time: new Date(Date.UTC(2026, 10, 25, 0, at)).toISOString(),
        outcome: at % 5 === 0 ? 'failed' : 'provisioned',
        thingName: `bulb-${at}`,
        region: at % 2 === 0 ? 'eu-west-1' : 'us-east-1',
        product: 'bulbs',
        msg: 'request',
        // So that the last ones lie behind what is read of the end.
        filler: 'x'.repeat(2000),
      })
    await writeFile(log, `${Array.from({ length: 500 }, (_, at) => line(at)).join('\n')}\n{"half`)
    const all = await runHere(['watch', log, '--no-follow', '--json', '--in', 'us-east-1'])
    expect(all.code).toBe(0)
    expect(eventsOf(all.stdout)).toHaveLength(250)
    expect(all.stderr).toMatch(
      /^250 requests in 8 h \(0\.5 a minute\): 200 provisioned.*50 failed\nnote: 1 line tells of/,
    )
    const end = await runHere([
      'watch',
      log,
      '--no-follow',
      '--last',
      '3',
      '--product',
      'bulbs',
      '--json',
    ])
    expect(eventsOf(end.stdout).map((it) => it.thingName)).toEqual([
      'bulb-497',
      'bulb-498',
      'bulb-499',
    ])
    const one = await runHere(['watch', log, '--no-follow', '--thing', 'bulb-7'])
    expect(one.stdout).toMatch(
      /^2026-11-25, times in UTC\n00:07:00 {2}provisioned {2}bulb-7 .*\n1 request: 1 provisioned/,
    )
  })

  it('goes on with what comes after the last events, once', async () => {
    const log = join(folder, 'grows.log')
    const line = (name: string) =>
      `{"time":"2026-11-25T00:00:00Z","outcome":"repeated","thingName":"${name}","msg":"request"}\n`
    await writeFile(log, line('before') + line('half').slice(0, 40))
    const watching = startLandfall(['watch', log, '--json'])
    await until(() => watching.stdout().includes('before'))
    await appendFile(log, line('half').slice(40) + line('after'))
    await until(() => watching.stdout().includes('after'))
    watching.child.kill('SIGINT')
    const { code, stdout, stderr } = await watching.done
    expect(code).toBe(0)
    expect(eventsOf(stdout).map((it) => it.thingName)).toEqual(['before', 'half', 'after'])
    // Of before the watch nothing counts.
    expect(stderr).toMatch(/^2 requests: 0 provisioned, 2 repeated/)
  })

  it('says where a log is none of an edge', async () => {
    const log = join(folder, 'other.log')
    await writeFile(log, 'x\n'.repeat(60))
    const { stdout, stderr } = await runHere(['watch', log, '--no-follow'])
    expect(stdout).toMatch(/^0 requests: /)
    expect(stderr).toMatch(
      /^note: 50 lines, and none of them tells of a request\nhint: .*--format short\n/,
    )
    expect(stderr.match(/hint/g)).toHaveLength(1)
  })

  it.each([1, 60])(
    'takes no log for a wrong one as a filter keeps all of it out, %d',
    async (other) => {
      const log = join(folder, `good-${other}.log`)
      const request = '{"time":"2026-11-25T00:00:00Z","outcome":"repeated","msg":"request"}'
      await writeFile(log, `${request}\n${'x\n'.repeat(other)}`)
      const { stdout, stderr } = await runHere(['watch', log, '--no-follow', '--thing', 'unseen'])
      expect(stdout).toMatch(/^0 requests: /)
      expect(stderr).toMatch(/^note: \d+ lines? tells? of nothing here\n$/)
    },
  )

  it.each([
    [[], 'what is to be watched?', 2],
    [['edge.log', '--local', 'local.json'], 'not both', 2],
    [['/nowhere/edge.log'], 'can’t read the log /nowhere/edge.log: there is no such file', 1],
    [['-', '--last', '3'], 'hint: leave --last out', 2],
    [['edge.log', '--from-start', '--last', '0'], 'hint: leave one of them out', 2],
    [['-', '--outcome', 'eaten'], 'Allowed choices are provisioned', 2],
  ])('refuses %j', async (args, message, code) => {
    const run = await runHere(['watch', ...args])
    expect(run).toMatchObject({ code, stdout: '' })
    expect(run.stderr).toContain(message)
  })

  it('takes a Ctrl-C that npx hands on once more for one, as every command does', async () => {
    process.kill(local.pid, 'SIGINT')
    await sleep(10)
    process.kill(local.pid, 'SIGINT')
    expect(await local.done).toMatchObject({ code: 0 })
  })
})

import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { childrenOf, isGone, type LocalProcess, startLocalProcess } from './local-process.ts'
import { runHere } from './run-here.ts'
import { landfall } from './run-landfall.ts'

const twoRegions = ['--regions', 'eu-west-1,us-east-1']
const newYork = '128.59.1.1'
let folder: string
let running: Promise<LocalProcess>[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-local-'))
  running = []
})
afterEach(async () => {
  // One that a test's time-out overtook while it started must not outlive the test either.
  const started = await Promise.allSettled(running)
  await Promise.all(started.map((it) => it.status === 'fulfilled' && it.value.end('SIGKILL')))
  await rm(folder, { recursive: true })
})

async function start(name: string, ...args: string[]): Promise<LocalProcess> {
  const starting = startLocalProcess(join(folder, name), ...args)
  running.push(starting)
  return await starting
}

const jsonFile = (name: string) => join(folder, name, 'local.json')

/** Switches a device on; resolves with what it reported. */
async function device(name: string, thing: string, ...args: string[]) {
  const run = await runHere([
    ...['device', '--thing', thing, '--local', jsonFile(name), '--folder', folder, '--json'],
    ...['--count', '2', '--interval', '0.1', '--qos', '1', '--address', newYork, ...args],
  ])
  const events = run.stdout
    .split('\n')
    .filter(Boolean)
    .map((line): Record<string, unknown> => JSON.parse(line))
  return { ...run, events, provisioned: events.find((it) => it.event === 'provisioned') }
}

describe('landfall local', () => {
  it('says in local.json what it prints, for its user’s eyes only', async () => {
    const { json } = await start('a', ...twoRegions)
    expect(JSON.parse(await readFile(jsonFile('a'), 'utf8'))).toEqual(json)
    expect((await stat(jsonFile('a'))).mode & 0o777).toBe(0o600)
    const secrets = ['fleet.key.pem', 'landfall.keys.json', 'router.keys.json']
    for (const name of secrets) {
      expect((await stat(join(folder, 'a', name))).mode & 0o777).toBe(0o600)
    }
    expect(json.regions.map((it) => it.region)).toEqual(['eu-west-1', 'us-east-1'])
    expect(await readFile(json.caFile, 'utf8')).toContain('BEGIN CERTIFICATE')
  })

  it('provisions a device that then publishes, and ends cleanly with its edge', async () => {
    const local = await start('a', ...twoRegions)
    const [edge = 0] = await childrenOf(local.pid)
    expect(await runHere(['allow', 'add', 'd1', '--local', jsonFile('a')])).toMatchObject({
      code: 0,
      stdout: 'd1 added\n',
    })
    const run = await device('a', 'd1', '--own-key')
    expect(run).toMatchObject({ code: 0, provisioned: { region: 'us-east-1', known: false } })
    expect(run.events.at(-1)).toMatchObject({ event: 'finished', sent: 2 })
    expect(await local.end('SIGINT')).toMatchObject({ code: 0 })
    expect(await isGone(edge)).toBe(true)
  })

  it('goes on where it was after a kill, and its edge doesn’t outlive it', async () => {
    // Away from the instances that others take: the addresses must be free again at the restart.
    const instance = String(150 + (process.pid % 100))
    const first = await start('a', ...twoRegions, '--instance', instance)
    const [edge = 0] = await childrenOf(first.pid)
    await runHere(['allow', 'add', 'd1', 'd2', '--local', jsonFile('a')])
    const before = await device('a', 'd1', '--own-key')
    await first.end('SIGKILL')
    expect(await isGone(edge)).toBe(true)

    const second = await start('a')
    expect(second.json).toEqual(first.json)
    const known = await device('a', 'd1')
    expect(known).toMatchObject({ code: 0, provisioned: { known: true } })
    await rm(join(folder, 'd1.device.cert.pem'))
    const again = await device('a', 'd1', '--contract', 'landfall')
    expect(again).toMatchObject({
      code: 0,
      provisioned: { known: false, certificateId: before.provisioned?.certificateId },
    })
    expect(await device('a', 'd2')).toMatchObject({ code: 0, provisioned: { known: false } })
  })

  it('runs beside another one', async () => {
    const [a, b] = [await start('a', ...twoRegions), await start('b', ...twoRegions)]
    expect(a.json.instance).not.toBe(b.json.instance)
    expect(a.json.accountId).not.toBe(b.json.accountId)
    await runHere(['allow', 'add', 'd1', '--local', jsonFile('a')])
    await device('a', 'd1', '--own-key')
    const elsewhere = await runHere(['allow', 'show', 'd1', '--local', jsonFile('b')])
    expect(elsewhere).toMatchObject({ code: 1, stdout: 'd1 is not in the allow-list\n' })
  })

  it('ends with exit 1 when its edge dies', async () => {
    const local = await start('a', ...twoRegions)
    const [edge = 0] = await childrenOf(local.pid)
    process.kill(edge, 'SIGKILL')
    const run = await local.done
    expect(run.code).toBe(1)
    expect(run.stderr).toContain('error: the edge ended by itself (signal SIGKILL)\nhint: ')
  })

  it('refuses a folder that another one has', async () => {
    await start('a', ...twoRegions)
    const run = await landfall(['local', '--data', join(folder, 'a')])
    expect(run).toMatchObject({ code: 1, stdout: '' })
    expect(run.stderr).toMatch(/error: the folder .* is in use by process \d+\nhint: stop/)
  })

  it('takes a region without AWS IoT as misuse', async () => {
    const run = await landfall(['local', '--data', folder, '--regions', 'eu-west-1,af-south-1'])
    expect(run).toMatchObject({ code: 2, stdout: '' })
    expect(run.stderr).toContain('error: no AWS IoT Core in af-south-1\nhint: name regions')
  })

  it('says that a port is taken', async () => {
    const { json } = await start('a', ...twoRegions)
    const port = new URL(json.provisionUrl).port
    const data = join(folder, 'b')
    const run = await landfall(['local', '--data', data, ...twoRegions, '--edge-port', port])
    expect(run).toMatchObject({ code: 1, stdout: '' })
    expect(run.stderr).toContain('error: the edge didn’t start (exit 1: error: listen EADDRINUSE')
  })
})

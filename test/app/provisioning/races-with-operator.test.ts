import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { DeviceStatus } from '../../../app/provisioning/device-record.ts'
import { type Answer, addresses, type EdgeProcess } from '../../stage.ts'
import {
  ampleTimes,
  type Device,
  dishonesty,
  keepAsking,
  type Race,
  startRace,
} from '../../storm.ts'
import { sweeperConfig } from '../../sweeping.ts'
import { runHere } from '../cli/run-here.ts'

let race: Race
let edges: EdgeProcess[]
let folder: string
let configFile: string

beforeAll(async () => {
  race = await startRace()
  edges = await Promise.all([1, 2, 3, 4].map(() => race.stage.startEdge(ampleTimes)))
  // The operator's commands run in this process, and find AWS as the SDK does.
  race.stage.enterAws(race.stage.aws.operator)
  folder = await mkdtemp(join(tmpdir(), 'landfall-races-'))
  configFile = join(folder, 'edge.json')
  await writeFile(configFile, JSON.stringify(sweeperConfig(race.stage)))
})
afterEach(() => race.stage.clearFaults())
afterAll(async () => {
  await race?.close()
  await rm(folder, { recursive: true })
})

/** An order as an operator gives it; given again, where it lost too many races. */
async function order(command: string, name: string, ...flags: string[]): Promise<void> {
  let run = await runHere(['allow', command, name, '--config', configFile, ...flags])
  for (let again = 0; again < 5 && run.stdout.includes('changes faster'); again += 1) {
    run = await runHere(['allow', command, name, '--config', configFile, ...flags])
  }
  if (run.code !== 0) throw new Error(`${command} ${name}: ${run.stdout}${run.stderr}`)
}
const block = (name: string) => order('block', name, '--yes')
const move = (name: string, to: string) => order('move', name, '--to', to)

async function seen(device: Device, ...statuses: DeviceStatus[]): Promise<void> {
  await waitFor(async () => {
    const row = await race.stage.row(device.name)
    return row !== undefined && statuses.includes(row.status)
  }, 5)
}

async function waitFor(condition: () => Promise<boolean>, pauseMs = 50): Promise<void> {
  while (!(await condition())) await sleep(pauseMs)
}

/** Every call takes a while, now more, now less: orders fall between any two steps. */
async function slowCalls(): Promise<void> {
  await race.stage.fault({ kind: 'delay', service: 'iot', delayMs: 60, probability: 0.7 })
  await race.stage.fault({ kind: 'delay', service: 'iot', delayMs: 200, probability: 0.3 })
  await race.stage.fault({ kind: 'delay', service: 'dynamodb', delayMs: 30, probability: 0.5 })
}

/** When the order is given: at once, some milliseconds after the claim, or after the commit. */
const moments = ['at once', 0, 50, 100, 150, 200, 'provisioned', 'settled'] as const
type Moment = (typeof moments)[number]

async function until(device: Device, moment: Moment): Promise<void> {
  if (moment === 'at once') return
  if (typeof moment === 'number') await seen(device, 'provisioning', 'provisioned')
  else await seen(device, 'provisioned')
  if (moment === 'settled') await sleep(500)
  if (typeof moment === 'number') await sleep(moment)
}

async function live(name: string): Promise<number> {
  const { things } = await race.stage.identities()
  return (things[name] ?? []).filter((it) => it.status === 'ACTIVE').length
}

describe('a block amid a storm of requests', () => {
  it.each(['own', 'aws'] as const)(
    'leaves nothing usable from the moment on at which it is done (keys: %s)',
    async (keys) => {
      const devices = await race.devices(2 * moments.length, keys)
      await slowCalls()
      const blocked = new Map<string, undefined>()
      const answers: Answer[] = []
      const revived: string[] = []
      const storms = devices.map(async (device, n) => {
        const moment = moments[n % moments.length] ?? 'at once'
        let done = false
        const turnedAway = (it: Answer) => done && it.status === 403
        const asking = Promise.all(
          [0, 1, 2, 3].map((it) =>
            keepAsking(edges, device, it, { done: turnedAway, pauseMs: 30 }),
          ),
        )
        await until(device, moment)
        await block(device.name)
        blocked.set(device.name, undefined)
        if ((await live(device.name)) > 0) revived.push(`${device.name}, at the end of the order`)
        done = true
        answers.push(...(await asking).flat())
        if ((await live(device.name)) > 0) revived.push(`${device.name}, after the storm`)
      })
      await Promise.all(storms)
      expect(revived).toEqual([])
      expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0)
      const others = answers.filter(({ status }) => status !== 403)
      expect(others.flatMap((answer) => dishonesty(answer) ?? [])).toEqual([])
      expect(await race.problems(blocked)).toEqual([])
    },
    120_000,
  )
})

describe('a move amid a storm of requests', () => {
  const target = 'ap-northeast-1'

  it.each(['own', 'aws'] as const)(
    'ends with one live identity in the new region (keys: %s)',
    async (keys) => {
      const devices = await race.devices(2 * moments.length, keys)
      await slowCalls()
      const held = new Map<string, string>()
      const wrong: string[] = []
      const landed = async (device: Device) => {
        const row = await race.stage.row(device.name)
        return row?.status === 'provisioned' && row.region === target
      }
      const storms = devices.map(async (device, n) => {
        const moment = moments[n % moments.length] ?? 'at once'
        let over = false
        // Without a key of its own only one contender gets the last certificate; the others give up.
        const moved = (it: Answer) => over || (it.status === 200 && it.body.region === target)
        const asking = [0, 1, 2, 3].map((it) =>
          keepAsking(edges, device, it, { done: moved, address: addresses.dublin, pauseMs: 30 }),
        )
        await until(device, moment)
        await move(device.name, target)
        await Promise.race([Promise.all(asking), waitFor(() => landed(device))])
        if (keys === 'aws') over = true
        const answers = (await Promise.all(asking)).flat()
        const certificate = answers.findLast((it) => it.body.region === target)?.body.certificatePem
        held.set(device.name, String(certificate))
        const others = answers.filter((it) => keys === 'own' || it.status !== 403)
        wrong.push(...others.flatMap((it) => dishonesty(it) ?? []))
      })
      await Promise.all(storms)
      expect(wrong).toEqual([])
      expect(await race.problems(held)).toEqual([])
      for (const device of devices) expect(await landed(device), device.name).toBe(true)
    },
    120_000,
  )
})

/** What lets a device have another identity, in as many steps as it takes. */
const anew = {
  reset: (name: string) => order('reset', name, '--yes'),
  'block and unblock': async (name: string) => {
    await block(name)
    await order('unblock', name)
  },
  'remove and add': async (name: string) => {
    await order('remove', name, '--yes')
    await order('add', name)
  },
} as const

describe('a reset, a block that is undone, a row that is removed and added, amid a storm of requests', () => {
  it('leave nothing usable of what was before, and end with one live identity', async () => {
    const some = ['at once', 0, 100, 'provisioned', 'settled'] as const
    const orders = Object.values(anew)
    const devices = await race.devices(orders.length * some.length, 'own')
    await slowCalls()
    const held = new Map<string, string>()
    const kept: string[] = []
    const storms = devices.map(async (device, n) => {
      const moment = some[n % some.length] ?? 'at once'
      const giveOrders = orders[n % orders.length] ?? anew.reset
      let over = false
      const asking = [0, 1, 2].map((it) =>
        keepAsking(edges, device, it, {
          done: ({ status }) => over && status === 200,
          pauseMs: 30,
        }),
      )
      await until(device, moment)
      const before = (await race.stage.row(device.name))?.certificateId
      await giveOrders(device.name)
      const { things } = await race.stage.identities()
      for (const it of things[device.name] ?? []) {
        if (it.certificateId === before && it.status === 'ACTIVE') kept.push(device.name)
      }
      over = true
      await Promise.all(asking)
      // One more: an answer that was on its way may be what the device had before.
      const last = await keepAsking(edges, device, 0, { pauseMs: 30 })
      held.set(device.name, String(last.at(-1)?.body.certificatePem))
    })
    await Promise.all(storms)
    expect(kept).toEqual([])
    expect(await race.problems(held)).toEqual([])
  }, 120_000)
})

it('no sweep failed all the while', () => {
  expect(race.sweepFailures()).toEqual([])
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dynamoAllowList } from '../../../app/allowlist/dynamo-allow-list.ts'
import { allowedDevice } from '../../../app/provisioning/device-record.ts'
import { isComplete } from '../../../app/provisioning/sweep-report.ts'
import { makeDeviceKey } from '../../device-key.ts'
import { auditFleet } from '../../fleet-audit.ts'
import { type EdgeProcess, noBreaker, type Stage, setStage, signedRequest } from '../../stage.ts'
import { sweeperConfig, sweepStage } from '../../sweeping.ts'
import { runHere } from '../cli/run-here.ts'

/**
 * Every call of an operator's order on a provisioned device, with everything that can happen to it. Each
 * order has a lane for each fault: a Region of its own for table calls, roles and the device, so that
 * lanes run side by side. None is the Region in which edge and tests read the table.
 */
const kinds = ['error-before', 'error-after', 'lost'] as const
const lanes = {
  block: ['us-east-1', 'us-east-2', 'us-west-2'],
  reset: ['eu-west-2', 'eu-west-3', 'eu-north-1'],
  remove: ['ap-south-1', 'ap-northeast-1', 'ap-southeast-1'],
} as const
type Order = keyof typeof lanes

const reads = {
  'its role': { operation: 'AssumeRole' },
  'the record': { operation: 'GetItem' },
  'its things': { operation: 'ListPrincipalThings' },
  'its policies': { operation: 'ListAttachedPolicies' },
  'what it has become': { operation: 'DescribeCertificate' },
}
const writes = {
  'the first write': { operation: 'UpdateItem' },
  INACTIVE: { operation: 'UpdateCertificate' },
  'the thing': { operation: 'DetachThingPrincipal' },
  'the policy': { operation: 'DetachPolicy' },
}
const last = { 'the last write': { operation: 'UpdateItem', afterCalls: 1 } }
const gone = {
  'the certificate': { operation: 'DeleteCertificate' },
  'the row': { operation: 'DeleteItem' },
}
type Step = { readonly operation: string; readonly afterCalls?: number }
const steps: Readonly<Record<Order, Readonly<Record<string, Step>>>> = {
  block: writes,
  reset: { ...writes, ...last },
  remove: { ...writes, ...last, ...gone },
}

const cases = (Object.keys(lanes) as Order[]).flatMap((order) =>
  kinds.flatMap((kind, n) =>
    // A read that fails is the same whether it was performed or not.
    Object.entries(kind === 'error-before' ? { ...reads, ...steps[order] } : steps[order]).map(
      ([what, step]) => [order, what, kind, step, lanes[order][n] ?? ''] as const,
    ),
  ),
)

const busy = new Map<string, Promise<unknown>>()
/** The certificate that each device that is still in the list was left with. */
const held = new Map<string, string | undefined>()
let stage: Stage
let edge: EdgeProcess
let folder: string
let configFile: string

beforeAll(async () => {
  stage = await setStage(['eu-west-1', ...Object.values(lanes).flat()])
  await stage.liftQuotas()
  stage.enterAws(stage.aws.operator)
  edge = await stage.startEdge(noBreaker)
  folder = await mkdtemp(join(tmpdir(), 'landfall-orders-'))
  configFile = join(folder, 'edge.json')
  await writeFile(configFile, JSON.stringify(sweeperConfig(stage, { requestSeconds: 15 })))
})
afterAll(async () => {
  await stage?.close()
  await rm(folder, { recursive: true })
})

async function provisioned(thingName: string, region: string): Promise<unknown> {
  const allowList = dynamoAllowList({ client: stage.dynamoDb, table: 'iot-global-provisioning' })
  const record = { ...allowedDevice(thingName, Date.now()), regionPin: region }
  await allowList.add(record, AbortSignal.timeout(10_000))
  const request = signedRequest(stage, thingName, (await makeDeviceKey(thingName)).csr)
  expect((await edge.post(request)).body.region).toBe(region)
  return request
}

function give(order: Order, thingName: string, region: string) {
  const flags = ['--config', configFile, '--region', region, '--yes', '--json']
  return runHere(['allow', order, thingName, ...flags])
}

const standing = async (thingName: string) => (await stage.identities()).things[thingName] ?? []

/** What the order promises once it says that it is done. */
async function expectDone(order: Order, thingName: string, before: string): Promise<void> {
  const row = await stage.row(thingName)
  if (order === 'remove') expect(row).toBe(undefined)
  else expect(row?.status).toBe(order === 'block' ? 'blocked' : 'unprovisioned')
  expect(await standing(thingName)).toEqual([])
  const { unattached } = await stage.identities()
  const left = unattached.filter((it) => it.certificateId === before)
  expect(left.map((it) => it.status)).toEqual(order === 'remove' ? [] : ['INACTIVE'])
}

async function runCase(order: Order, what: string, kind: string, step: Step, region: string) {
  const thingName = `${order}-${kind}-${what.replaceAll(' ', '-')}`
  const request = await provisioned(thingName, region)
  const before = (await stage.row(thingName))?.certificateId ?? ''
  await stage.fault({ ...step, region, kind, times: null })
  const first = await give(order, thingName, region)
  await stage.faultFired(region)
  if (first.code === 0) await expectDone(order, thingName, before)
  else expect(first).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error: .+\nhint: /) })
  // Whoever asks in the middle gets nothing while the old identity may be usable.
  const middle = await edge.post(request)
  expect([200, 403, 503]).toContain(middle.status)
  await stage.clearFaults(region)

  const second = await give(order, thingName, region)
  expect(second.code).toBe(0)
  if (order === 'remove' && first.code === 0) expect(second.stdout).toContain('"changed":false')
  if (order !== 'reset') {
    await expectDone(order, thingName, before)
    expect((await edge.post(request)).status).toBe(403)
    if (order === 'block') held.set(thingName, undefined)
    return
  }
  const answer = await edge.post(request)
  expect(answer.status).toBe(200)
  const live = (await standing(thingName)).filter((it) => it.status === 'ACTIVE')
  expect(live).toHaveLength(1)
  expect(live[0]?.certificateId).not.toBe(before)
  held.set(thingName, String(answer.body.certificatePem))
}

describe('an order given twice is carried out', () => {
  it.concurrent.each(cases)(
    '%s, where %s fails the first time (%s)',
    async (order, what, kind, step, region) => {
      const turn = (busy.get(region) ?? Promise.resolve()).then(() =>
        runCase(order, what, kind, step, region),
      )
      busy.set(
        region,
        turn.catch(() => stage.clearFaults(region)),
      )
      await turn
    },
    120_000,
  )
})

describe('after all of them', () => {
  it('no two identities were live at once, and none that a record named was killed', async () => {
    expect(await stage.violations()).toEqual([])
  })

  it('one sweep leaves each device its identity, and no other certificate anywhere', async () => {
    const kept = cases.filter(([order]) => order !== 'remove')
    expect(held.size).toBe(kept.length)
    await sleep(2000)
    const report = await sweepStage(stage, {
      dedicatedRegions: stage.aws.regions.map((it) => it.region),
      since: 'everything',
      requestSeconds: 10,
    })
    expect(isComplete(report), JSON.stringify(report.failures)).toBe(true)
    expect(await auditFleet(stage, held)).toEqual([])
  }, 60_000)
})

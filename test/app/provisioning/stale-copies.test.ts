import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { AllowList } from '../../../app/provisioning/allow-list.ts'
import { allowedDevice } from '../../../app/provisioning/device-record.ts'
import { type Provisioned, provision } from '../../../app/provisioning/provision.ts'
import { measureWaves } from '../../../app/provisioning/waves.ts'
import { parseCsr } from '../../../app/request/csr.ts'
import { connectDeviceRegions, type DeviceRegions } from '../../../regions/device-regions.ts'
import { makeDeviceKey } from '../../device-key.ts'
import { type Stage, setStage } from '../../stage.ts'
import { copiedAllowList } from './copied-allow-list.ts'
import { openGate } from './open-gate.ts'

/**
 * Why production demands a strongly consistent table (docs/decisions): two edges, the same protocol,
 * the same schedule, real AWS IoT; only the table differs. The order is the test's, nothing waits.
 */
const edgeRegions = ['eu-west-1', 'us-east-1'] as const
let stage: Stage
let regions: DeviceRegions
let devices = 0

beforeAll(async () => {
  // The violations are what these tests are about: asked for, not logged.
  stage = await setStage(edgeRegions, 0, { violationLog: () => {} })
  stage.enterAws(stage.aws.edge)
  regions = connectDeviceRegions({
    edgeRegion: 'eu-west-1',
    regions: stage.aws.regions.map(({ region, edgeRoleArn }) => ({ region, roleArn: edgeRoleArn })),
    policyName: 'LandfallDevice',
    sessionName: 'test',
    connectSeconds: 5,
    requestSeconds: 5,
    now: Date.now,
  })
})
afterEach(async () => {
  await fetch(`${stage.aws.controlUrl}/violations`, { method: 'DELETE' })
})
afterAll(async () => {
  regions?.close()
  await stage?.close()
})

/** One device, and an edge in each region that reads its record before either of them writes. */
async function twoEdges(copies: 1 | 2, withOwnKey = true) {
  devices += 1
  const thingName = `copied-${devices}`
  const table = copiedAllowList(copies)
  table.add(allowedDevice(thingName, Date.now()))
  const csr = withOwnKey
    ? await parseCsr((await makeDeviceKey(thingName)).csr, thingName)
    : undefined
  const edge = async (n: number) => {
    const allowList = table.copy(Math.min(n, copies - 1))
    const region = edgeRegions[n] ?? 'eu-west-1'
    const signal = AbortSignal.timeout(20_000)
    const record = await allowList.find(thingName, { signal })
    if (record === undefined) throw new Error(`${thingName} is not there`)
    return (onCommit?: () => Promise<void>): Promise<Provisioned> =>
      provision(
        {
          allowList: onCommit === undefined ? allowList : pausing(allowList, onCommit),
          regions,
          leaseSeconds: 60,
          now: Date.now,
          newAttemptId: randomUUID,
          by: 'test',
          waves: measureWaves(() => performance.now()),
          onTrouble: () => {},
          onIncident: () => {},
          onFailover: () => {},
          failoverSeconds: 5,
          gate: openGate,
          signal,
        },
        {
          record,
          placement: {
            region,
            basis: 'default',
            ruleLeft: false,
            candidates: [],
            failover: [],
            skipped: [],
          },
          reprovisioning: { rule: 'refuse', redeliverSeconds: 0 },
          csr,
        },
      )
  }
  return { thingName, table, first: await edge(0), second: await edge(1) }
}

/** Runs `onCommit` between a commit's decision and its write. */
function pausing(allowList: AllowList, onCommit: () => Promise<void>): AllowList {
  return {
    ...allowList,
    async save(previous, next, signal) {
      if (next.status === 'provisioned') await onCommit()
      return await allowList.save(previous, next, signal)
    },
  }
}

async function live(thingName: string) {
  const { things } = await stage.identities()
  return (things[thingName] ?? []).filter((it) => it.status === 'ACTIVE')
}

describe('on two eventually consistent copies', () => {
  it('a device that asks a second edge before the first one’s writes arrive gets two live identities', async () => {
    const { thingName, table, first, second } = await twoEdges(2)
    const one = await first()
    const other = await second()
    expect(other.certificateId).not.toBe(one.certificateId)
    const certificates = [one, other].map(({ region, certificateId }) => ({
      region,
      certificateId,
    }))
    expect(await stage.violations()).toMatchObject([
      { invariant: 'I1', thingName, operation: 'AttachThingPrincipal', certificates },
    ])
    table.replicate()
    // The record forgot the first one altogether: no later request would ever deactivate it.
    const record = await table.copy(0).find(thingName, { signal: AbortSignal.timeout(1000) })
    expect(record).toMatchObject({ certificateId: other.certificateId, superseded: [] })
    expect(await live(thingName)).toHaveLength(2)
  })

  it('an attempt whose commit arrives after another’s attach gets a second live identity', async () => {
    const { thingName, first, second } = await twoEdges(2)
    let between: Provisioned | undefined
    const late = await first(async () => {
      between = await second()
    })
    expect(late.certificateId).not.toBe(between?.certificateId)
    expect(await stage.violations()).toMatchObject([{ invariant: 'I1', thingName }])
    expect(await live(thingName)).toHaveLength(2)
  })

  it('two devices share one name, where AWS IoT makes the keys', async () => {
    const { thingName, first, second } = await twoEdges(2, false)
    const keys = [await first(), await second()].map((it) => it.privateKey)
    expect(new Set(keys).size).toBe(2)
    expect(await stage.violations()).toMatchObject([{ invariant: 'I1', thingName }])
    expect(await live(thingName)).toHaveLength(2)
  })
})

describe('on one consistent copy, by the same schedule', () => {
  it('the second edge hands out the first one’s certificate', async () => {
    const { thingName, first, second } = await twoEdges(1)
    const one = await first()
    const other = await second()
    expect(other).toMatchObject({ region: 'eu-west-1', certificateId: one.certificateId })
    expect(other.created).toBe(false)
    expect(await live(thingName)).toMatchObject([{ certificateId: one.certificateId }])
    expect(await stage.violations()).toEqual([])
  })

  it('an edge that asks while another’s commit is under way is told to wait', async () => {
    const { thingName, first, second } = await twoEdges(1)
    let between: unknown
    const late = await first(async () => {
      between = await second().catch((error: unknown) => error)
    })
    expect(between).toMatchObject({ code: 'in-progress' })
    expect(await live(thingName)).toMatchObject([{ certificateId: late.certificateId }])
    expect(await stage.violations()).toEqual([])
  })

  it('one device gets the key that AWS IoT made, and the other is refused', async () => {
    const { thingName, first, second } = await twoEdges(1, false)
    const one = await first()
    await expect(second()).rejects.toMatchObject({ code: 'already-provisioned' })
    expect(await live(thingName)).toMatchObject([{ certificateId: one.certificateId }])
    expect(await stage.violations()).toEqual([])
  })
})

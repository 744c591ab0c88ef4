import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../device-key.ts'
import { auditFleet } from '../../fleet-audit.ts'
import { addresses, type EdgeProcess, type Stage, setStage, signedRequest } from '../../stage.ts'
import { sweepStage } from '../../sweeping.ts'

let stage: Stage
let other: EdgeProcess

const times = {
  aws: { connectSeconds: 1, requestSeconds: 1 },
  deadlineSeconds: 2.4,
  leaseSeconds: 2.5,
}
const deviceRegions = ['eu-west-1', 'ap-northeast-1']

beforeAll(async () => {
  stage = await setStage(deviceRegions)
  await stage.setRegionPolicy({ defaultRegion: 'eu-west-1', failover: { candidates: 1 } })
  other = await stage.startEdge(times)
})
afterEach(() => stage.clearFaults())
afterAll(() => stage?.close())

const sick = { kind: 'error-before', service: 'iot', region: 'ap-northeast-1', times: null }
/** The second write of a request after its claim. In Ireland, where nothing else is planted. */
const theMove = { service: 'dynamodb', region: 'eu-west-1', operation: 'UpdateItem', afterCalls: 1 }

describe('an edge that is killed in the middle of a move', () => {
  it.each([
    {
      when: 'before the moving write is done',
      fault: { ...theMove, kind: 'hang' },
      left: 'ap-northeast-1',
    },
    {
      when: 'before it knows of the moving write, which is done all the same',
      fault: { ...theMove, kind: 'delay', delayMs: 600, times: 1 },
      left: 'eu-west-1',
    },
    {
      when: 'between the moving write and the second region',
      fault: { kind: 'hang', service: 'iot', region: 'eu-west-1', operation: 'CreateThing' },
      left: 'eu-west-1',
    },
  ])('$when, leaves its device to another edge', async ({ when, fault, left }) => {
    const thingName = `killed-${when.length}`
    await stage.allow(thingName)
    const { csr } = await makeDeviceKey(thingName)
    const request = signedRequest(stage, thingName, csr)
    const edge = await stage.startEdge(times)
    await stage.fault(sick)
    await stage.fault(fault)
    const asked = edge.post(request, addresses.tokyo).catch(() => 'no answer')
    await stage.faultFired('eu-west-1')
    await edge.stop('SIGKILL')
    expect(await asked).toBe('no answer')
    await expect
      .poll(() => stage.row(thingName))
      .toMatchObject({ status: 'provisioning', region: left, attempts: 1 })
    await stage.clearFaults('eu-west-1')
    // While the first region is sick still: the other edge has to move the device itself.
    let answer = await other.post(request, addresses.tokyo)
    while (answer.status !== 200) {
      expect(answer.status).toBe(503)
      await sleep(200)
      answer = await other.post(request, addresses.tokyo)
    }
    expect(answer.body.region).toBe('eu-west-1')
    expect(await stage.row(thingName)).toMatchObject({ status: 'provisioned', attempts: 2 })
    await stage.clearFaults()
    await sweepStage(stage, { dedicatedRegions: deviceRegions, ...times })
    const held = new Map([[thingName, String(answer.body.certificatePem)]])
    expect(await auditFleet(stage, held)).toEqual([])
  })
})

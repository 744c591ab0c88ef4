import { setTimeout as sleep } from 'node:timers/promises'
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../device-key.ts'
import { standingCertificates } from '../../identities.ts'
import { addresses, type EdgeProcess, type Stage, setStage, signedRequest } from '../../stage.ts'

let stage: Stage
let edge: EdgeProcess
let devices = 0

const shortTimes = {
  aws: { connectSeconds: 0.5, requestSeconds: 0.7 },
  deadlineSeconds: 4,
  leaseSeconds: 4.2,
  productRefreshSeconds: 600,
}

/** Dublin's devices go to Ireland, then to Virginia; Tokyo's are tied to Tokyo. */
const regionPolicy = {
  defaultRegion: 'eu-west-1',
  failover: { candidates: 2 },
  rules: [{ match: { countries: ['JP'] }, regions: ['ap-northeast-1'], strict: true }],
}

beforeAll(async () => {
  stage = await setStage()
  await stage.liftQuotas()
  await stage.setRegionPolicy(regionPolicy)
  edge = await stage.startEdge(shortTimes)
  await stage.allow('first')
  await edge.post(signedRequest(stage, 'first'), addresses.dublin)
})
afterEach(async () => {
  await stage.clearFaults()
  // More that are well than not: none of these cases is to open the breaker for the next.
  for (const [index, from] of [addresses.dublin, addresses.newYork, addresses.dublin].entries()) {
    const thingName = `well-${devices}-${index}`
    await stage.allow(thingName)
    expect((await edge.post(signedRequest(stage, thingName), from)).status).toBe(200)
  }
})
afterAll(() => stage?.close())

async function newDevice() {
  devices += 1
  const thingName = `failover-${devices}`
  await stage.allow(thingName)
  const { csr } = await makeDeviceKey(thingName)
  const request = signedRequest(stage, thingName, csr)
  return { thingName, ask: (from = addresses.dublin) => edge.post(request, from) }
}

/** The device's certificates that could ever be used, and the strays that can't. */
async function standing(thingName: string) {
  await stage.clearFaults()
  const record = await stage.row(thingName)
  const all = await standingCertificates(stage)
  return {
    record,
    attached: all.filter((it) => it.things.includes(thingName)),
    strays: all.filter((it) => it.things.length === 0),
  }
}

async function expectLandedIn(region: string, thingName: string) {
  const { record, attached, strays } = await standing(thingName)
  expect(record).toMatchObject({ status: 'provisioned', region })
  expect(attached).toMatchObject([{ region, certificateId: record?.certificateId, active: true }])
  for (const stray of strays) expect(stray.policies).toEqual([])
  expect(await stage.violations()).toEqual([])
}

const inIreland = { region: 'eu-west-1', service: 'iot', times: null }

describe('when a region fails before the commit', () => {
  it.each([
    ['answers 500s', { kind: 'error-before' }],
    ['answers 500s to what it did', { kind: 'error-after' }],
    ['throttles everything', { kind: 'throttle' }],
    ['cuts connections', { kind: 'lost-before' }],
    ['cuts connections after the write', { kind: 'lost' }],
    ['hangs', { kind: 'hang' }],
    [
      'has no room left',
      {
        kind: 'error-before',
        operation: 'CreateThing',
        error: { code: 'LimitExceededException', status: 410, message: 'full' },
      },
    ],
  ])('the same attempt goes on in the next where it %s', async (_how, fault) => {
    const { thingName, ask } = await newDevice()
    await stage.fault({ ...inIreland, ...fault })
    const answer = await ask()
    expect(answer.status).toBe(200)
    expect(answer.body.region).toBe('us-east-1')
    await expectLandedIn('us-east-1', thingName)
    const record = await stage.row(thingName)
    expect(record).toMatchObject({ attempts: 1 })
    expect(record?.placement?.reason).toMatch(/us-east-1|\d+ km.*passed over eu-west-1 \(failed\)/)
    expect(record?.history.map((it) => [it.event, it.region])).toEqual([
      ['allowed', undefined],
      ['claimed', 'eu-west-1'],
      ['failed-over', 'us-east-1'],
      ['provisioned', 'us-east-1'],
    ])
    await stage.clearFaults()
    expect((await ask()).body).toMatchObject({ status: 'success', region: 'us-east-1' })
  })

  it('removes at once what it made there, where the region answers', async () => {
    const { thingName, ask } = await newDevice()
    const before = (await standing(thingName)).strays.length
    await stage.fault({ ...inIreland, kind: 'error-before', operation: 'CreateThing' })
    expect((await ask()).body.region).toBe('us-east-1')
    await expect.poll(async () => (await standing(thingName)).strays.length).toBe(before)
  })

  it('never leaves a strict rule: 503 with Retry-After, until the region is back', async () => {
    const { thingName, ask } = await newDevice()
    await stage.fault({
      kind: 'error-before',
      region: 'ap-northeast-1',
      service: 'iot',
      times: null,
    })
    const answer = await ask(addresses.tokyo)
    expect(answer.status).toBe(503)
    expect(Number(answer.retryAfter)).toBeGreaterThan(0)
    expect(await stage.row(thingName)).toMatchObject({ status: 'unprovisioned' })
    await stage.clearFaults()
    expect((await ask(addresses.tokyo)).body.region).toBe('ap-northeast-1')
  })

  it('tries two regions at most, though the policy names more', async () => {
    const { thingName, ask } = await newDevice()
    await stage.clearCalls()
    await stage.fault({ kind: 'error-before', service: 'iot', times: null })
    expect((await ask()).status).toBe(503)
    const tried = (await stage.calls()).filter((it) => it.operation === 'CreateThing')
    expect(new Set(tried.map((it) => it.region))).toEqual(new Set(['eu-west-1', 'us-east-1']))
    expect(await stage.row(thingName)).toMatchObject({ status: 'unprovisioned' })
  })

  it('stays where what failed was no fault of the region', async () => {
    const { thingName, ask } = await newDevice()
    await stage.fault({
      ...inIreland,
      kind: 'error-before',
      operation: 'CreateCertificateFromCsr',
      error: { code: 'InvalidRequestException', status: 400, message: 'bad CSR' },
    })
    expect((await ask()).status).toBe(400)
    expect((await stage.row(thingName))?.history.map((it) => it.event)).not.toContain('failed-over')
  })
})

describe('the write that moves an attempt', () => {
  // The third write of a request: allowed by hand, then claim, then this one.
  const theMove = { operation: 'UpdateItem', service: 'dynamodb', afterCalls: 1 }

  it.each(['error-before', 'error-after', 'lost', 'lost-before'])(
    'may fail once (%s): the SDK repeats it, and the device lands once',
    async (kind) => {
      const { thingName, ask } = await newDevice()
      await stage.fault({ ...inIreland, kind: 'error-before' })
      await stage.fault({ ...theMove, kind, times: 1 })
      expect((await ask()).body.region).toBe('us-east-1')
      await expectLandedIn('us-east-1', thingName)
    },
  )

  it('may be answered with errors for good, as long as it is done', async () => {
    const { thingName, ask } = await newDevice()
    await stage.fault({ ...inIreland, kind: 'error-before' })
    await stage.fault({ ...theMove, kind: 'error-after', times: null })
    expect((await ask()).body.region).toBe('us-east-1')
    await expectLandedIn('us-east-1', thingName)
  })

  it.each(['error-before', 'hang'])(
    'may fail for good (%s): 503, and the device lands once its lease has ended',
    async (kind) => {
      const { thingName, ask } = await newDevice()
      await stage.fault({ ...inIreland, kind: 'error-before' })
      await stage.fault({ ...theMove, kind, times: null })
      expect((await ask()).status).toBe(503)
      await stage.clearFaults()
      let answer = await ask()
      for (let tries = 0; answer.status !== 200 && tries < 30; tries += 1) {
        expect(answer.status).toBe(503)
        await sleep(400)
        answer = await ask()
      }
      await expectLandedIn(String(answer.body.region), thingName)
    },
  )

  it('leaves the record to whoever took it meanwhile', async () => {
    const { thingName, ask } = await newDevice()
    await stage.fault({ ...inIreland, kind: 'hang' })
    const asked = ask()
    await stage.faultFired('eu-west-1')
    await stage.dynamoDb.send(blockOrder(thingName))
    expect((await asked).status).toBe(403)
    expect((await standing(thingName)).attached).toEqual([])
    expect(await stage.row(thingName)).toMatchObject({ status: 'blocked' })
  })
})

/** An operator's block while the attempt waits for the region (one write, a new revision). */
function blockOrder(thingName: string) {
  return new UpdateItemCommand({
    TableName: 'iot-global-provisioning',
    Key: { thing_name: { S: thingName } },
    UpdateExpression: 'SET prov_status = :blocked, attempt_id = :id ADD rev :one',
    ExpressionAttributeValues: {
      ':blocked': { S: 'blocked' },
      ':id': { S: 'operator' },
      ':one': { N: '1' },
    },
  })
}

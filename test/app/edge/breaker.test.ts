import { setTimeout as sleep } from 'node:timers/promises'
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../device-key.ts'
import { addresses, type EdgeProcess, type Stage, setStage, signedRequest } from '../../stage.ts'

let stage: Stage
let edge: EdgeProcess
let neighbour: EdgeProcess

const TableName = 'iot-global-control'
const times = {
  aws: { connectSeconds: 0.5, requestSeconds: 0.7 },
  deadlineSeconds: 4,
  leaseSeconds: 4.2,
  productRefreshSeconds: 0.05,
}

/** Dublin's devices go to Ireland, then to Virginia; Tokyo's are tied to Tokyo. */
const regionPolicy = {
  defaultRegion: 'eu-west-1',
  failover: { candidates: 1 },
  rules: [{ match: { countries: ['JP'] }, regions: ['ap-northeast-1'], strict: true }],
}

beforeAll(async () => {
  stage = await setStage()
  await stage.liftQuotas()
  await stage.setRegionPolicy(regionPolicy)
})
afterAll(() => stage?.close())

/** Two processes of one edge, which have seen nothing yet. */
async function startEdges() {
  ;[edge, neighbour] = await Promise.all([stage.startEdge(times), stage.startEdge(times)])
}

/** New devices, each asking once, one after the other. */
async function askAs(names: readonly string[], from = addresses.dublin, at = edge) {
  await stage.allow(...names)
  const answers = []
  for (const name of names) answers.push(await at.post(signedRequest(stage, name), from))
  return answers
}

const regionsOf = (answers: readonly { body: Record<string, unknown> }[]) =>
  answers.map((it) => it.body.region)

async function health(at = edge): Promise<{ status: number; regions: Record<string, string> }> {
  const answer = await fetch(`${at.url}/healthz`)
  const { regions } = (await answer.json()) as { regions: Record<string, string> }
  return { status: answer.status, regions }
}

async function callsTo(region: string): Promise<string[]> {
  const calls = await stage.calls()
  return calls
    .filter((it) => it.service === 'iot' && it.region === region)
    .map((it) => it.operation)
}

const breakerRow = async (region: string) => {
  const Key = { kind: { S: 'breaker' }, name: { S: `eu-west-1#${region}` } }
  const { Item = {} } = await stage.dynamoDb.send(new GetItemCommand({ TableName, Key }))
  return Object.fromEntries(Object.entries(Item).map(([name, { S }]) => [name, S]))
}

describe('a region that drains', () => {
  beforeAll(startEdges)

  const set = (status: string) =>
    stage.dynamoDb.send(
      new PutItemCommand({
        TableName,
        Item: { kind: { S: 'region' }, name: { S: 'eu-west-1' }, status: { S: status } },
      }),
    )

  it('takes no new devices from the next look at the table on, and keeps those it has', async () => {
    const { csr } = await makeDeviceKey('kept')
    await stage.allow('kept')
    const kept = signedRequest(stage, 'kept', csr)
    expect((await edge.post(kept)).body.region).toBe('eu-west-1')
    await set('draining')
    await sleep(60)
    const [elsewhere] = await askAs(['elsewhere'])
    expect(elsewhere?.status).toBe(200)
    expect((await stage.row('elsewhere'))?.placement?.reason).toContain('eu-west-1 (draining)')
    expect((await edge.post(kept)).body).toMatchObject({ status: 'success', region: 'eu-west-1' })
    expect((await health()).regions['eu-west-1']).toBe('draining')
    await set('active')
    await sleep(60)
    expect(regionsOf(await askAs(['back']))).toEqual(['eu-west-1'])
  })

  it('takes a device that an operator pins to it', async () => {
    await set('draining')
    await sleep(60)
    await stage.allow('pinned')
    await stage.dynamoDb.send(
      new PutItemCommand({
        TableName: 'iot-global-provisioning',
        Item: {
          thing_name: { S: 'pinned' },
          prov_status: { S: 'unprovisioned' },
          region_pin: { S: 'eu-west-1' },
        },
      }),
    )
    expect((await edge.post(signedRequest(stage, 'pinned'))).body.region).toBe('eu-west-1')
    await set('active')
  })

  it('is not one that a row says nothing understandable of, and the log says so', async () => {
    await set('sleeping')
    await sleep(60)
    expect(regionsOf(await askAs(['unimpressed']))).toEqual(['eu-west-1'])
    await expect
      .poll(() => edge.log.some((it) => String(it.msg).startsWith('region eu-west-1: the row')))
      .toBe(true)
  })
})

describe('a sick region', () => {
  beforeAll(startEdges)

  it('is left alone after three devices, at every process of the edge, until a probe finds it well', async () => {
    await stage.fault({ kind: 'error-before', region: 'eu-west-1', service: 'iot', times: null })
    await askAs(['sick-1', 'sick-2', 'sick-3'])
    await expect.poll(() => breakerRow('eu-west-1')).toMatchObject({ state: 'open' })
    expect(await health()).toMatchObject({ status: 200, regions: { 'eu-west-1': 'open' } })

    await stage.clearCalls()
    const here = await askAs(['after-1', 'after-2'])
    const there = await askAs(['after-3'], addresses.dublin, neighbour)
    expect(regionsOf([...here, ...there])).toEqual(['us-east-1', 'us-east-1', 'us-east-1'])
    expect(await callsTo('eu-west-1')).toEqual([])
    const { placement } = (await stage.row('after-1')) ?? {}
    expect(placement?.reason).toContain('passed over eu-west-1 (down)')
    expect((await health(neighbour)).regions['eu-west-1']).toBe('open')

    const line = () => edge.log.find((it) => it.msg === 'breaker opened')
    await expect.poll(line).toMatchObject({
      level: 'warn',
      edge: 'eu-west-1',
      region: 'eu-west-1',
      lastError: 'failing',
      breakerOpened: 1,
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'Landfall',
            Dimensions: [['edge'], ['edge', 'region']],
            Metrics: [{ Name: 'breakerOpened', Unit: 'Count' }],
          },
        ],
      },
    })

    await stage.clearFaults()
    const row = await breakerRow('eu-west-1')
    await sleep(Date.parse(row.until ?? '') - Date.now() + 10)
    expect(regionsOf(await askAs(['probe', 'well']))).toEqual(['eu-west-1', 'eu-west-1'])
    await expect.poll(() => breakerRow('eu-west-1')).toMatchObject({ state: 'closed' })
    // It learns so from the table, before its own time to probe.
    expect(regionsOf(await askAs(['there'], addresses.dublin, neighbour))).toEqual(['eu-west-1'])
    expect(await health()).toMatchObject({ regions: { 'eu-west-1': 'ok' } })
    await expect.poll(() => edge.log.some((it) => it.msg === 'breaker closed')).toBe(true)
  })

  it('gives a device that may go nowhere else its 503 at once, and says until when', async () => {
    await stage.fault({
      kind: 'error-before',
      region: 'ap-northeast-1',
      service: 'iot',
      times: null,
    })
    const failing = await askAs(['tied-1', 'tied-2', 'tied-3'], addresses.tokyo)
    expect(failing.map((it) => it.status)).toEqual([503, 503, 503])
    await stage.clearCalls()
    const [answer] = await askAs(['tied-4'], addresses.tokyo)
    expect(answer?.status).toBe(503)
    const row = await breakerRow('ap-northeast-1')
    const untilSeconds = (Date.parse(row.until ?? '') - Date.now()) / 1000
    expect(Number(answer?.retryAfter)).toBeGreaterThanOrEqual(untilSeconds)
    expect(await callsTo('ap-northeast-1')).toEqual([])
    expect(await stage.row('tied-4')).toMatchObject({ status: 'unprovisioned' })
    await expect
      .poll(() => edge.log.find((it) => it.thingName === 'tied-4'))
      .toMatchObject({
        reason: 'regions-unavailable',
        retryAfterSeconds: Number(answer?.retryAfter),
      })
    await stage.clearFaults()
  })

  it('is no concern of devices that ask for what they have, nor of a wrong CSR', async () => {
    const { csr } = await makeDeviceKey('has-one')
    await stage.allow('has-one')
    const request = signedRequest(stage, 'has-one', csr)
    const first = await edge.post(request, addresses.newYork)
    expect(first.body.region).toBe('us-east-1')
    const error = { code: 'InvalidRequestException', status: 400, message: 'bad CSR' }
    const operation = 'CreateCertificateFromCsr'
    const bad = { region: 'us-east-1', service: 'iot', operation, error, times: null }
    await stage.fault({ kind: 'error-before', ...bad })
    for (const name of ['odd-1', 'odd-2', 'odd-3', 'odd-4']) {
      await stage.allow(name)
      const odd = signedRequest(stage, name, (await makeDeviceKey(name)).csr)
      expect((await edge.post(odd, addresses.newYork)).status).toBe(400)
    }
    await stage.clearFaults()
    expect((await health()).regions['us-east-1']).toBe('ok')
    await stage.fault({ kind: 'error-before', region: 'us-east-1', service: 'iot', times: null })
    // More than were well there in the last seconds.
    const names = Array.from({ length: 10 }, (_, index) => `down-${index}`)
    await askAs(names, addresses.newYork)
    await stage.clearFaults()
    expect((await health()).regions['us-east-1']).toBe('open')
    const again = await edge.post(request, addresses.newYork)
    expect([again.status, again.body.certificatePem]).toEqual([200, first.body.certificatePem])
  })
})

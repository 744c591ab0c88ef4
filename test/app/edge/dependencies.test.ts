import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../device-key.ts'
import { addresses, type EdgeProcess, type Stage, setStage, signedRequest } from '../../stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await setStage()
})
afterEach(() => stage.clearFaults())
afterAll(() => stage?.close())

const health = async (edge: EdgeProcess) => {
  const answer = await fetch(`${edge.url}/healthz`)
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

async function askAs(edge: EdgeProcess, thingName: string, from = addresses.dublin) {
  await stage.allow(thingName)
  return await edge.post(signedRequest(stage, thingName), from)
}

describe('an edge without the location table that it was given', () => {
  const locationFile = '/nonexistent.bin'

  it('starts, says so loudly, and gives devices the default region', async () => {
    const edge = await stage.startEdge({ locationFile })
    await expect
      .poll(() => edge.log.find((it) => it.level === 'error')?.msg)
      .toBe(
        'devices are not located: the location table /nonexistent.bin is not there; make it anew: npm run geo:build',
      )
    expect(await health(edge)).toMatchObject({
      status: 503,
      body: { status: 'failing', allowList: 'ok', location: 'missing' },
    })
    const answer = await askAs(edge, 'unlocated', addresses.tokyo)
    expect([answer.status, answer.body.region]).toEqual([200, 'eu-west-1'])
    expect(answer.body.message).toContain('using default region eu-west-1')
    await edge.stop()
  })

  it('lets nobody pass a strict rule that goes by place, and serves those who have a region', async () => {
    const located = await stage.startEdge()
    await stage.allow('settled')
    const { csr } = await makeDeviceKey('settled')
    const request = signedRequest(stage, 'settled', csr)
    expect((await located.post(request, addresses.newYork)).body.region).toBe('us-east-1')
    await stage.setRegionPolicy({
      defaultRegion: 'us-east-1',
      rules: [
        { name: 'EU', match: { continents: ['EU'] }, regions: ['eu-west-1'], strict: true },
        { match: { addresses: ['128.59.0.0/16'] }, regions: ['us-east-1'] },
      ],
    })
    const edge = await stage.startEdge({ locationFile })
    expect((await edge.post(request, addresses.newYork)).body.region).toBe('us-east-1')
    const answer = await askAs(edge, 'who-knows', addresses.dublin)
    expect([answer.status, answer.body.message]).toEqual([503, 'try again later'])
    await expect
      .poll(() => edge.log.find((it) => it.thingName === 'who-knows'))
      .toMatchObject({
        reason: 'regions-unavailable',
        placement: 'no region: rule EU (strict) goes by place, and there are no location data',
      })
    await stage.setRegionPolicy()
    await Promise.all([edge.stop(), located.stop()])
  })
})

describe('an edge that STS gives one region’s role no credentials for', () => {
  it('sends its devices on, then leaves the region alone, and serves the others', async () => {
    await stage.setRegionPolicy({ defaultRegion: 'eu-west-1', failover: { candidates: 1 } })
    const deviceRegions = stage.aws.regions.map(({ region, edgeRoleArn, endpointAddress }) => ({
      region,
      endpointAddress,
      // A role that trusts somebody else.
      roleArn: region === 'eu-west-1' ? edgeRoleArn.replace(/role\/.*/, 'role/other') : edgeRoleArn,
    }))
    const edge = await stage.startEdge({ deviceRegions })
    const answers = []
    for (const name of ['role-1', 'role-2', 'role-3', 'role-4']) {
      answers.push(await askAs(edge, name))
    }
    expect(answers.map((it) => it.body.region)).toEqual(Array(4).fill('us-east-1'))
    const reasons = await Promise.all(['role-3', 'role-4'].map((name) => stage.row(name)))
    expect(reasons.map((it) => it?.placement?.reason.split('over ')[1])).toEqual([
      'eu-west-1 (failed)',
      'eu-west-1 (down)',
    ])
    expect(await health(edge)).toMatchObject({
      status: 200,
      body: { regions: { 'eu-west-1': 'open', 'us-east-1': 'ok' } },
    })
    await stage.setRegionPolicy()
    await edge.stop()
  })
})

describe('an edge whose allow-list throttles it', () => {
  it('tells devices to wait, each a time of its own, and DNS to look elsewhere, until it is over', async () => {
    // Its usual deadline: the SDK's own retries end well within it, on a busy machine too.
    const edge = await stage.startEdge()
    await stage.fault({ kind: 'throttle', service: 'dynamodb', operation: 'GetItem', times: null })
    const names = Array.from({ length: 8 }, (_, index) => `throttled-${index}`)
    const answers = await Promise.all(names.map((name) => askAs(edge, name)))
    expect(answers.map((it) => [it.status, it.body.message])).toEqual(
      names.map(() => [503, 'try again later']),
    )
    expect(new Set(answers.map((it) => it.retryAfter)).size).toBeGreaterThan(1)
    expect(await health(edge)).toMatchObject({ status: 503, body: { allowList: 'unreadable' } })
    await expect
      .poll(() => edge.log.find((it) => it.thingName === 'throttled-0')?.reason)
      .toBe('allow-list-unavailable')
    await stage.clearFaults()
    expect((await edge.post(signedRequest(stage, 'throttled-0'))).status).toBe(200)
    expect((await health(edge)).status).toBe(200)
    await edge.stop()
  })
})

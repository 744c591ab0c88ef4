import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../device-key.ts'
import { addresses, type EdgeProcess, type Stage, setStage, signedRequest } from '../../stage.ts'

let stage: Stage
let edge: EdgeProcess

beforeAll(async () => {
  stage = await setStage(['eu-west-1', 'us-east-1', 'ap-northeast-1'])
  await stage.setRegionPolicy({
    defaultRegion: 'us-east-1',
    rules: [
      { name: 'lab', match: { addresses: ['127.0.0.64/26'] }, regions: ['ap-northeast-1'] },
      { name: 'Ireland', match: { countries: ['IE'] }, regions: ['eu-west-1'], strict: true },
      { name: 'gone', match: { countries: ['JP'] }, regions: ['ap-south-1'], strict: true },
      { name: 'asleep', match: { attributes: { plan: 'gold' } }, regions: ['ap-northeast-1'] },
    ],
    strategy: 'weighted',
    weights: { 'us-east-1': 1, 'eu-west-1': 1, 'ap-northeast-1': 1, 'ap-south-1': 1 },
  })
  edge = await stage.startEdge()
})
afterAll(() => stage?.close())

/** Sets an attribute of the row, as operators do by hand. */
async function set(thing: string, attribute: string, value: Record<string, unknown>) {
  await stage.dynamoDb.send(
    new UpdateItemCommand({
      TableName: 'iot-global-provisioning',
      Key: { thing_name: { S: thing } },
      UpdateExpression: 'SET #a = :v',
      ExpressionAttributeNames: { '#a': attribute },
      ExpressionAttributeValues: { ':v': value as { S: string } },
    }),
  )
}

async function ask(thing: string, address?: string) {
  const { csr } = await makeDeviceKey(thing)
  return await edge.post(signedRequest(stage, thing, csr), address)
}

const reasonOf = (thing: string) => edge.log.findLast((it) => it.thingName === thing)?.reason

describe('an edge places', () => {
  it('by the rule for the country, the network, the attribute of the record', async () => {
    await stage.allow('of-ireland', 'of-lab', 'of-gold')
    await set('of-gold', 'attributes', { M: { plan: { S: 'gold' } } })
    expect((await ask('of-ireland', addresses.dublin)).body.region).toBe('eu-west-1')
    expect((await ask('of-lab', '127.0.0.65')).body.region).toBe('ap-northeast-1')
    expect((await ask('of-gold', addresses.newYork)).body.region).toBe('ap-northeast-1')
    expect((await stage.row('of-ireland'))?.placement?.reason).toMatch(/^rule Ireland \(strict\), /)
    expect((await stage.row('of-gold'))?.attributes).toEqual({ plan: 'gold' })
  })

  it('by weight, whose answer claims no default region where it used none', async () => {
    const things = Array.from({ length: 6 }, (_, index) => `weighed-${index}`)
    await stage.allow(...things)
    const answers = await Promise.all(things.map((thing) => ask(thing, '127.0.0.9')))
    for (const [index, { body }] of answers.entries()) {
      const used = body.region === 'us-east-1' ? ', using default region us-east-1' : ''
      expect(body.message).toBe(`no latitude or longitude for IP 127.0.0.9${used}`)
      const row = await stage.row(things[index] ?? '')
      expect(row?.placement?.reason).toBe(
        'weighted: 33 % of the devices; passed over ap-south-1 (not enabled)',
      )
    }
    expect(new Set(answers.map(({ body }) => body.region)).size).toBeGreaterThan(1)
  })

  it('nothing outside a strict rule, and no pin either', async () => {
    await stage.allow('of-japan', 'pinned-out')
    const { status, retryAfter, body } = await ask('of-japan', addresses.tokyo)
    expect([status, body.message]).toEqual([503, 'try again later'])
    expect(Number(retryAfter)).toBeGreaterThanOrEqual(5)
    await expect.poll(() => reasonOf('of-japan')).toBe('region-not-configured')
    await set('pinned-out', 'region_pin', { S: 'us-east-1' })
    expect((await ask('pinned-out', addresses.dublin)).status).toBe(503)
    for (const thing of ['of-japan', 'pinned-out']) {
      expect((await stage.row(thing))?.status).toBe('unprovisioned')
    }
  })

  it('nothing for a record whose attributes are none', async () => {
    await stage.allow('numbered')
    await set('numbered', 'attributes', { M: { plan: { N: '1' } } })
    expect((await ask('numbered')).status).toBe(403)
    await expect.poll(() => reasonOf('numbered')).toBe('conflict')
  })
})

import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import {
  DescribeCertificateCommand,
  DescribeThingCommand,
  ListAttachedPoliciesCommand,
  ListCertificatesCommand,
  ListThingPrincipalsCommand,
  ListThingsCommand,
} from '@aws-sdk/client-iot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../device-key.ts'
import { addresses, type EdgeProcess, type Stage, setStage, signedRequest } from '../../stage.ts'

let stage: Stage
let edge: EdgeProcess

beforeAll(async () => {
  stage = await setStage()
  edge = await stage.startEdge()
})
afterAll(() => stage?.close())

async function resourcesEverywhere(): Promise<number> {
  let count = 0
  for (const { region } of stage.aws.regions) {
    const iot = stage.iot(region)
    const { certificates = [] } = await iot.send(new ListCertificatesCommand({ pageSize: 250 }))
    const { things = [] } = await iot.send(new ListThingsCommand({ maxResults: 250 }))
    count += certificates.length + things.length
  }
  return count
}

describe('a device that is allowed', () => {
  it('lands in the nearest region with a certificate over its own key', async () => {
    await stage.allow('own-key')
    const { key, csr } = await makeDeviceKey('own-key')
    const answer = await edge.post(signedRequest(stage, 'own-key', csr), addresses.newYork)
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ status: 'success', region: 'us-east-1' })
    expect(answer.body).not.toHaveProperty('PrivateKey')
    expect(answer.body).not.toHaveProperty('message')
    expect(answer.body.distance).toBeGreaterThan(100)
    expect(answer.body.distance).toBeLessThan(1000)
    const region = stage.aws.regions.find((it) => it.region === 'us-east-1')
    expect(answer.body.endpointAddress).toBe(region?.endpointAddress)
    const certificate = new X509Certificate(String(answer.body.certificatePem))
    expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true)
    expect(certificate.verify(new X509Certificate(stage.aws.caPem).publicKey)).toBe(true)
  })

  it('gets a key made by AWS IoT where it sends no CSR', async () => {
    await stage.allow('aws-key')
    const { status, body } = await edge.post(signedRequest(stage, 'aws-key'), addresses.tokyo)
    expect(status).toBe(200)
    expect(body.region).toBe('ap-northeast-1')
    const key = createPrivateKey(String(body.PrivateKey))
    const certificate = new X509Certificate(String(body.certificatePem))
    expect(createPublicKey(key).equals(certificate.publicKey)).toBe(true)
  })

  it('leaves a thing, an ACTIVE certificate and the shared policy, all attached, and a record of it', async () => {
    await stage.allow('recorded')
    const { csr } = await makeDeviceKey('recorded')
    const before = Date.now()
    const { body } = await edge.post(signedRequest(stage, 'recorded', csr))
    const der = new X509Certificate(String(body.certificatePem)).raw
    const certificateId = createHash('sha256').update(der).digest('hex')
    const iot = stage.iot('eu-west-1')
    const { principals } = await iot.send(new ListThingPrincipalsCommand({ thingName: 'recorded' }))
    expect(principals).toEqual([expect.stringMatching(`cert/${certificateId}$`)])
    const { certificateDescription } = await iot.send(
      new DescribeCertificateCommand({ certificateId }),
    )
    expect(certificateDescription?.status).toBe('ACTIVE')
    const [target] = principals ?? []
    const { policies } = await iot.send(new ListAttachedPoliciesCommand({ target }))
    expect(policies?.map((policy) => policy.policyName)).toEqual(['LandfallDevice'])
    const record = await stage.row('recorded')
    const thing = await iot.send(new DescribeThingCommand({ thingName: 'recorded' }))
    expect(thing.attributes).toEqual({ 'landfall-attempt': record?.attemptId })
    expect(record).toMatchObject({
      status: 'provisioned',
      region: 'eu-west-1',
      certificateId,
      certificatePem: body.certificatePem,
      csrThumbprint: expect.stringMatching(/^[\w-]{43}$/),
      placement: { reason: expect.stringMatching(/^nearest: \d+ km, before /) },
    })
    expect(record?.statusSince).toBeGreaterThanOrEqual(before - 1000)
  })

  it('gets the same certificate again for the same key, and nothing new is made', async () => {
    await stage.allow('again')
    const { csr } = await makeDeviceKey('again')
    const first = await edge.post(signedRequest(stage, 'again', csr))
    const made = await resourcesEverywhere()
    const second = await edge.post(signedRequest(stage, 'again', csr), addresses.tokyo)
    const third = await edge.post(signedRequest(stage, 'again', csr))
    expect(third).toEqual(first)
    // The same identity; only the distance is told from where the device is now.
    expect(second.body).toEqual({ ...first.body, distance: expect.any(Number) })
    expect(second.body.distance).toBeGreaterThan(9000)
    expect(await resourcesEverywhere()).toBe(made)
    expect((await stage.row('again'))?.attachedAt).toBeDefined()
  })

  it('lands in the default region where its address has no position, and is told', async () => {
    await stage.allow('nowhere')
    const { status, body } = await edge.post(signedRequest(stage, 'nowhere'), '127.0.0.9')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      region: 'eu-west-1',
      message: 'no latitude or longitude for IP 127.0.0.9, using default region eu-west-1',
    })
    expect(body).not.toHaveProperty('distance')
  })

  it('may have been allowed by a row with a name and a status only', async () => {
    await stage.dynamoDb.send(
      new UpdateItemCommand({
        TableName: 'iot-global-provisioning',
        Key: { thing_name: { S: 'by-hand' } },
        UpdateExpression: 'SET prov_status = :status',
        ExpressionAttributeValues: { ':status': { S: 'unprovisioned' } },
      }),
    )
    expect((await edge.post(signedRequest(stage, 'by-hand'))).status).toBe(200)
    expect((await stage.row('by-hand'))?.status).toBe('provisioned')
  })

  it('may have every character that a thing name can have', async () => {
    const name = `a:b_c-${'9'.repeat(122)}`
    await stage.allow(name)
    expect((await edge.post(signedRequest(stage, name))).status).toBe(200)
  })
})

describe('a device that is not', () => {
  it('is refused, and nothing is made anywhere', async () => {
    await stage.allow('blocked', 'provisioned')
    await edge.post(signedRequest(stage, 'provisioned'))
    await stage.dynamoDb.send(
      new UpdateItemCommand({
        TableName: 'iot-global-provisioning',
        Key: { thing_name: { S: 'blocked' } },
        UpdateExpression: 'SET prov_status = :status',
        ExpressionAttributeValues: { ':status': { S: 'blocked' } },
      }),
    )
    const made = await resourcesEverywhere()
    const { csr } = await makeDeviceKey('provisioned')
    for (const request of [
      signedRequest(stage, 'unknown'),
      signedRequest(stage, 'blocked'),
      signedRequest(stage, 'provisioned'),
      signedRequest(stage, 'provisioned', csr),
    ]) {
      const { status, body } = await edge.post(request)
      expect({ status, body }).toEqual({
        status: 403,
        body: { status: 'error', message: 'you not' },
      })
    }
    expect(await resourcesEverywhere()).toBe(made)
    expect(await stage.row('unknown')).toBe(undefined)
  })

  it('is refused where its row is no device record', async () => {
    await stage.dynamoDb.send(
      new UpdateItemCommand({
        TableName: 'iot-global-provisioning',
        Key: { thing_name: { S: 'odd-row' } },
        UpdateExpression: 'SET prov_status = :status',
        ExpressionAttributeValues: { ':status': { S: 'maybe' } },
      }),
    )
    const { status, body } = await edge.post(signedRequest(stage, 'odd-row'))
    expect([status, body.message]).toEqual([403, 'you not'])
  })
})

describe('a request that is wrong', () => {
  it.each<[string, number, string, (name: string) => unknown]>([
    ['is too large', 413, 'request too large', () => `{"x":"${'a'.repeat(16 * 1024)}"}`],
    ['is empty', 400, 'invalid request', () => ''],
    ['is no JSON', 400, 'invalid request', () => 'thing-name=x'],
    ['is no object', 400, 'invalid request', () => [1]],
    ['lacks the name', 400, 'no thing name', () => ({})],
    ['has a name that is a number', 400, 'invalid thing-name', () => ({ 'thing-name': 1 })],
    ['has no thing name', 400, 'invalid thing-name', () => ({ 'thing-name': 'a b' })],
    ['lacks the signature', 400, 'no sig', (name) => ({ 'thing-name': name })],
    [
      'has a signature that is no string',
      400,
      'invalid thing-name-sig',
      (name) => ({ 'thing-name': name, 'thing-name-sig': [] }),
    ],
    [
      'has a signature that is no base64',
      401,
      'wrong sig',
      (name) => ({ 'thing-name': name, 'thing-name-sig': '%%%' }),
    ],
    [
      'has the signature of another name, before its CSR is looked at',
      401,
      'wrong sig',
      (name) => ({ ...signedRequest(stage, 'other', 'garbage'), 'thing-name': name }),
    ],
    [
      'has a CSR that is no string',
      400,
      'invalid CSR: not a string',
      (name) => ({ ...signedRequest(stage, name), CSR: 7 }),
    ],
    [
      'has a CSR that does not parse',
      400,
      'invalid CSR: not PEM',
      (name) => signedRequest(stage, name, 'garbage'),
    ],
  ])(
    'because it %s is answered %i %s, and nothing is written',
    async (_, status, message, make) => {
      await stage.allow('untouched')
      const before = await stage.row('untouched')
      await stage.clearCalls()
      const answer = await edge.post(make('untouched'))
      expect(answer).toEqual({ status, retryAfter: null, body: { status: 'error', message } })
      expect(await stage.row('untouched')).toEqual(before)
      const calls = await stage.calls()
      expect(calls.filter((call) => call.service !== 'dynamodb')).toEqual([])
    },
  )

  it('with a CSR for another name is refused', async () => {
    await stage.allow('untouched')
    const { csr } = await makeDeviceKey('other')
    const { status, body } = await edge.post(signedRequest(stage, 'untouched', csr))
    expect([status, body.message]).toEqual([400, 'invalid CSR: its CN is not the thing name'])
  })

  it('by method or route is told so', async () => {
    const get = await fetch(`${edge.url}/device-provisioning`)
    expect([get.status, get.headers.get('Allow')]).toEqual([405, 'POST'])
    expect((await fetch(`${edge.url}/nothing`)).status).toBe(404)
  })

  it('is cut off where it has no Content-Length and no end', async () => {
    const { hostname, port } = new URL(edge.url)
    const client = request({ hostname, port, method: 'POST', path: '/device-provisioning' })
    const writing = setInterval(() => client.write('a'.repeat(8 * 1024)), 5)
    client.on('error', () => {})
    const [answer] = await once(client, 'response')
    clearInterval(writing)
    client.destroy()
    expect(answer.statusCode).toBe(413)
  })
})

describe('/healthz', () => {
  it('answers 200 while the table can be read', async () => {
    const answer = await fetch(`${edge.url}/healthz`)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ status: 'ok', allowList: 'ok', products: 'ok' })
  })
})

describe('the log', () => {
  it('has one line a request that is a metric too, and no key and no signature', async () => {
    await stage.allow('logged')
    const request = signedRequest(stage, 'logged')
    const { body } = await edge.post(request)
    const find = () => edge.log.find((it) => it.thingName === 'logged')
    await expect.poll(find).toBeDefined()
    const line = find()
    expect(line).toMatchObject({
      level: 'info',
      outcome: 'provisioned',
      region: 'eu-west-1',
      status: 200,
      provisioned: 1,
      _aws: { CloudWatchMetrics: [{ Namespace: 'Landfall' }] },
    })
    for (const wave of ['read', 'claim', 'create', 'commit', 'attach']) {
      expect(line?.[`${wave}Milliseconds`]).toBeGreaterThan(0)
    }
    const everything = JSON.stringify(edge.log)
    const keyLine = String(body.PrivateKey).split('\n')[1] ?? ''
    expect(keyLine.length).toBeGreaterThan(40)
    expect(everything).not.toContain(keyLine)
    expect(everything).not.toContain('PRIVATE KEY')
    expect(everything).not.toContain(request['thing-name-sig'].slice(0, 40))
  })
})

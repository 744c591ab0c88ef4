import { createServer, type Server } from 'node:http'
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { CreateThingCommand } from '@aws-sdk/client-iot'
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { getRequestListener } from '@hono/node-server'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Call } from '../../local/calls.ts'
import { createControl } from '../../local/control.ts'
import { createFaults } from '../../local/faults.ts'
import { closeServer, listen } from '../../local/listen.ts'
import { createAllowList, type Machine, startMachine } from './machine.ts'
import { refusedAs } from './raw-request.ts'

let machine: Machine
let server: Server
let controlUrl: string
beforeAll(async () => {
  machine = await startMachine()
  server = createServer(getRequestListener(createControl(machine).fetch))
  controlUrl = `http://127.0.0.1:${await listen(server, '127.0.0.1', 0)}`
  await createAllowList(machine.dynamodb(machine.operator))
})
afterAll(async () => {
  await closeServer(server)
  await machine.close()
})
beforeEach(async () => {
  await control('DELETE', '/faults')
  await control('DELETE', '/quotas')
  await control('DELETE', '/calls')
  machine.performed.length = 0
})

async function control(method: string, path: string, body?: unknown) {
  const answer = await fetch(controlUrl + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}

async function calls(): Promise<Call[]> {
  return (await control('GET', '/calls')).body.calls
}

function createThing(region = 'eu-west-1', signal = AbortSignal.timeout(10_000)) {
  return machine
    .iot(machine.operator, region)
    .send(new CreateThingCommand({ thingName: 'x' }), { abortSignal: signal })
}

const error = { code: 'ServiceUnavailableException', status: 503, message: 'not now' }

describe('each kind of fault', () => {
  it('error-before answers the error, and nothing is performed', async () => {
    await control('POST', '/faults', { operation: 'CreateThing', kind: 'error-before', error })
    await refusedAs(createThing(), 'ServiceUnavailableException', 503, 'not now')
    expect(machine.performed).toEqual([])
    await createThing()
    expect(machine.performed).toEqual(['CreateThing eu-west-1'])
  })

  it('error-after answers the error, and it is performed', async () => {
    await control('POST', '/faults', { operation: 'CreateThing', kind: 'error-after', error })
    await refusedAs(createThing(), 'ServiceUnavailableException', 503, 'not now')
    expect(machine.performed).toEqual(['CreateThing eu-west-1'])
  })

  it('an error of one is the internal failure by default', async () => {
    await control('POST', '/faults', { kind: 'error-before', times: 3 })
    const key = { TableName: 'iot-global-provisioning', Key: { thing_name: { S: 'x' } } }
    await refusedAs(createThing(), 'InternalFailureException', 500)
    await refusedAs(
      machine.dynamodb(machine.edge).send(new GetItemCommand(key)),
      'InternalServerError',
      500,
    )
    await refusedAs(
      machine.sts(machine.edge).send(new GetCallerIdentityCommand()),
      'InternalFailure',
      500,
    )
  })

  it('lost cuts the connection after it is performed', async () => {
    await control('POST', '/faults', { operation: 'CreateThing', kind: 'lost' })
    await expect(createThing()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(machine.performed).toEqual(['CreateThing eu-west-1'])
    expect(await calls()).toMatchObject([{ operation: 'CreateThing', status: 0, error: 'lost' }])
  })

  it('lost-before cuts the connection, and nothing is performed', async () => {
    await control('POST', '/faults', { operation: 'CreateThing', kind: 'lost-before' })
    await expect(createThing()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(machine.performed).toEqual([])
  })

  it('hang answers nothing until the client gives up, and performs nothing', async () => {
    await control('POST', '/faults', { operation: 'CreateThing', kind: 'hang' })
    const startedAt = performance.now()
    await expect(createThing('eu-west-1', AbortSignal.timeout(300))).rejects.toThrow()
    expect(performance.now() - startedAt).toBeGreaterThan(250)
    await expect.poll(calls).toMatchObject([{ status: 0, error: 'hang' }])
    expect(machine.performed).toEqual([])
  })

  it('throttle answers as each service throttles, and performs nothing', async () => {
    await control('POST', '/faults', { kind: 'throttle', times: 2 })
    await refusedAs(createThing(), 'ThrottlingException', 400, 'Rate exceeded')
    await refusedAs(
      machine.sts(machine.edge).send(new GetCallerIdentityCommand()),
      'Throttling',
      400,
      'Rate exceeded',
    )
    expect(machine.performed).toEqual([])
  })

  it('delay waits at every match, adds up, and goes with another fault', async () => {
    await control('POST', '/faults', { service: 'iot', kind: 'delay', delayMs: 60 })
    await control('POST', '/faults', { service: 'iot', kind: 'delay', delayMs: 40 })
    await createThing()
    await control('POST', '/faults', { kind: 'error-after', error })
    await refusedAs(createThing(), 'ServiceUnavailableException', 503)
    const seen = await calls()
    for (const { startedAt, endedAt } of seen) {
      expect(endedAt - startedAt).toBeGreaterThan(98)
      expect(endedAt - startedAt).toBeLessThan(1000)
    }
    expect(seen.map(({ status }) => status)).toEqual([200, 503])
  })
})

describe('which calls a fault meets', () => {
  it('is limited by service, operation, region and times', async () => {
    const only = { service: 'iot', operation: 'CreateThing', region: 'us-west-1' }
    await control('POST', '/faults', { ...only, kind: 'error-before', times: 2, error })
    await createThing('eu-west-1')
    await machine.sts(machine.edge).send(new GetCallerIdentityCommand())
    await refusedAs(createThing('us-west-1'), 'ServiceUnavailableException', 503)
    await refusedAs(createThing('us-west-1'), 'ServiceUnavailableException', 503)
    await createThing('us-west-1')
    const { body } = await control('GET', '/faults')
    expect(body.faults).toMatchObject([{ ...only, fired: 2, left: 0 }])
  })

  it('fires until it is removed, where times is null', async () => {
    const { body } = await control('POST', '/faults', { kind: 'lost-before', times: null })
    for (let call = 0; call < 3; call += 1) await expect(createThing()).rejects.toThrow()
    expect((await control('DELETE', `/faults/${body.id}`)).status).toBe(204)
    expect((await control('DELETE', `/faults/${body.id}`)).status).toBe(404)
    await expect(createThing()).resolves.toBeDefined()
  })

  it('passes over the first matching calls with afterCalls', async () => {
    const only = { operation: 'CreateThing', region: 'eu-west-1' }
    await control('POST', '/faults', { ...only, kind: 'error-before', afterCalls: 2, error })
    await createThing()
    await createThing('us-west-1')
    await createThing()
    const { body } = await control('GET', '/faults')
    expect(body.faults).toMatchObject([{ afterCalls: 2, passedOver: 2, fired: 0, left: 1 }])
    await refusedAs(createThing(), 'ServiceUnavailableException', 503)
    await createThing()
    expect(machine.performed).toHaveLength(4)
  })

  it('passes over calls that another fault decides', async () => {
    await control('POST', '/faults', { kind: 'throttle' })
    await control('POST', '/faults', { kind: 'error-before', afterCalls: 1, error })
    await refusedAs(createThing(), 'ThrottlingException', 400)
    await refusedAs(createThing(), 'ServiceUnavailableException', 503)
    await createThing()
  })

  it('fires by its probability', () => {
    const drawn = [0.1, 0.9, 0.49, 0.5]
    const faults = createFaults(() => drawn.shift() ?? 0)
    faults.add({ kind: 'lost', times: null, probability: 0.5 })
    const call = { service: 'iot', region: 'eu-west-1', operation: 'CreateThing' }
    const fired = Array.from({ length: 4 }, () => faults.inject(call).fault !== undefined)
    expect(fired).toEqual([true, false, true, false])
  })

  it('takes the oldest of several, one at a time', async () => {
    await control('POST', '/faults', { kind: 'error-before', error })
    await control('POST', '/faults', { kind: 'throttle' })
    await refusedAs(createThing(), 'ServiceUnavailableException', 503)
    await refusedAs(createThing(), 'ThrottlingException', 400)
    await createThing()
  })

  it('proves a lost write of DynamoDB as written', async () => {
    const table = { TableName: 'iot-global-provisioning' }
    const key = { thing_name: { S: 'lost' } }
    await control('POST', '/faults', { operation: 'PutItem', kind: 'lost' })
    const client = machine.dynamodb(machine.operator)
    await expect(client.send(new PutItemCommand({ ...table, Item: key }))).rejects.toThrow()
    const { Item } = await client.send(new GetItemCommand({ ...table, Key: key }))
    expect(Item).toEqual(key)
  })
})

describe('the call log', () => {
  it('tells who called what, when, and lets a reader go on from where it was', async () => {
    const before = Date.now()
    await createThing()
    const [first] = await calls()
    await machine.sts(machine.edge).send(
      new AssumeRoleCommand({
        RoleArn: 'arn:aws:iam::123456789012:role/landfall-edge-us-west-1',
        RoleSessionName: 'edge',
      }),
    )
    expect(first).toMatchObject({
      service: 'iot',
      region: 'eu-west-1',
      operation: 'CreateThing',
      status: 200,
      caller: 'arn:aws:iam::123456789012:user/operator',
    })
    expect(first?.startedAt).toBeGreaterThan(before - 50)
    expect(first?.endedAt).toBeGreaterThanOrEqual(first?.startedAt ?? Number.NaN)
    const { body } = await control('GET', `/calls?after=${first?.seq}`)
    expect(body.calls).toMatchObject([{ seq: (first?.seq ?? 0) + 1, operation: 'AssumeRole' }])
  })
})

describe('quotas by hand', () => {
  it('throttles the call over the rate, and lets a limit go', async () => {
    await control('PUT', '/quotas', { operation: 'CreateThing', perSecond: 1 })
    await createThing()
    await refusedAs(createThing(), 'ThrottlingException', 400, 'Rate exceeded')
    await control('PUT', '/quotas', { operation: 'CreateThing', perSecond: null })
    await createThing()
    expect(machine.performed).toHaveLength(2)
  })
})

describe('bad input', () => {
  it.each([
    ['POST', '/faults', { kind: 'explode' }, 'kind'],
    ['POST', '/faults', { kind: 'delay' }, 'a delay needs delayMs'],
    ['POST', '/faults', { kind: 'lost', error }, 'only error-before and error-after'],
    ['POST', '/faults', { kind: 'lost', opration: 'x' }, 'opration'],
    ['POST', '/faults', { kind: 'lost', probability: 2 }, 'probability'],
    ['POST', '/faults', { kind: 'lost', times: 0 }, 'times'],
    ['POST', '/faults', { kind: 'lost', afterCalls: -1 }, 'afterCalls'],
    ['PUT', '/quotas', { operation: 'CreateThing' }, 'perSecond'],
    ['GET', '/calls?after=x', undefined, "'after' must be a call's seq"],
  ])('%s %s %j is refused', async (method, path, body, message) => {
    const answer = await control(method, path, body)
    expect(answer.status).toBe(400)
    expect(answer.body.message).toContain(message)
  })

  it('says where there is nothing, and what is not JSON', async () => {
    const text = await fetch(`${controlUrl}/faults`, { method: 'POST', body: '{' })
    expect([text.status, await text.json()]).toEqual([400, { message: 'the body is not JSON' }])
    expect((await control('GET', '/nothing')).body).toEqual({ message: 'no GET /nothing here' })
  })
})

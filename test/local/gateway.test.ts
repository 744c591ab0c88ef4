import { GetItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import {
  CreateThingCommand,
  DeleteThingCommand,
  DescribeEndpointCommand,
  DescribeThingCommand,
  ListThingsCommand,
} from '@aws-sdk/client-iot'
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAllowList, type Machine, startMachine } from './machine.ts'
import { refusedAs, send, signed } from './raw-request.ts'

let machine: Machine
const logged: unknown[] = []
beforeAll(async () => {
  machine = await startMachine({ log: (entry) => logged.push(entry) })
  await createAllowList(machine.dynamodb(machine.operator))
})
afterAll(() => machine.close())

const putItem = { TableName: 'iot-global-provisioning', Item: { thing_name: { S: 'one' } } }

describe('what is not there', () => {
  it('names an operation that DynamoDB lacks here', async () => {
    for (const operation of [
      'TransactWriteItems',
      'UpdateTimeToLive',
      'ExecuteStatement',
      'Nonsense',
    ]) {
      const request = await signed(machine, {
        service: 'dynamodb',
        method: 'POST',
        path: '/',
        headers: { 'x-amz-target': `DynamoDB_20120810.${operation}` },
        body: '{}',
      })
      const answer = await send(machine, request)
      expect(answer.status).toBe(400)
      expect(answer.body).toContain('UnknownOperationException')
      expect(answer.body).toContain(
        `The operation ${operation} of dynamodb is not part of this stand-in`,
      )
    }
  })

  it('names operations that IoT and STS lack here, and a service that is not here at all', async () => {
    await refusedAs(
      machine.iot(machine.operator).send(new ListThingsCommand()),
      'UnknownOperationException',
      404,
      'The operation GET /things of iot is not part of this stand-in',
    )
    const sts = await signed(machine, {
      service: 'sts',
      method: 'POST',
      path: '/',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'Action=GetSessionToken&Version=2011-06-15',
    })
    const other = await signed(machine, {
      service: 's3',
      method: 'GET',
      path: '/',
      headers: {},
      body: '',
    })
    expect((await send(machine, sts)).body).toContain('The operation GetSessionToken of sts')
    expect((await send(machine, other)).body).toContain(
      'The service s3 is not part of this stand-in',
    )
  })

  it('refuses IoT in a region that is not enabled, and STS in an opt-in region that is not', async () => {
    await refusedAs(
      machine.iot(machine.operator, 'ap-south-1').send(new CreateThingCommand({ thingName: 'x' })),
      'UnrecognizedClientException',
      403,
      "AWS IoT is not enabled in the region 'ap-south-1'",
    )
    await refusedAs(
      machine.sts(machine.operator, 'me-south-1').send(new GetCallerIdentityCommand()),
      'RegionDisabledException',
      403,
    )
  })

  it('hides a bug of a service behind an internal failure, and logs it with the request id', async () => {
    const thing = machine.iot(machine.operator).send(new DeleteThingCommand({ thingName: 'x' }))
    await refusedAs(thing, 'InternalFailureException', 500)
    expect(logged.at(-1)).toMatchObject({
      message: 'service failed',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      error: expect.objectContaining({ message: 'a bug of this service' }),
    })
  })

  it('refuses a body over 16 MiB', async () => {
    const headers = { authorization: 'x', 'x-amz-target': 'DynamoDB_20120810.PutItem' }
    const body = 'x'.repeat(16 * 1024 * 1024 + 1)
    expect(await send(machine, { method: 'POST', path: '/', headers, body })).toMatchObject({
      status: 413,
    })
  })
})

describe('permissions', () => {
  it('keeps the edge user to its tables', async () => {
    const edge = machine.dynamodb(machine.edge)
    await expect(
      edge.send(new GetItemCommand({ TableName: putItem.TableName, Key: putItem.Item })),
    ).resolves.toBeDefined()
    const arn = 'arn:aws:dynamodb:eu-west-1:123456789012:table/iot-global-provisioning'
    await refusedAs(
      edge.send(new ScanCommand({ TableName: putItem.TableName })),
      'AccessDeniedException',
      400,
      `User: arn:aws:iam::123456789012:user/landfall-edge is not authorized to perform: dynamodb:Scan on resource: ${arn}`,
    )
    await refusedAs(
      edge.send(new GetItemCommand({ TableName: 'other', Key: putItem.Item })),
      'AccessDeniedException',
      400,
    )
  })

  it('keeps a role to its own region, and the edge user out of IoT altogether', async () => {
    const keys = await assume('us-west-1')
    const thing = new CreateThingCommand({ thingName: 'mine' })
    await expect(machine.iot(keys, 'us-west-1').send(thing)).resolves.toBeDefined()
    const denied =
      'User: arn:aws:sts::123456789012:assumed-role/landfall-edge-us-west-1/a-session is not authorized ' +
      'to perform: iot:CreateThing on resource: arn:aws:iot:eu-west-1:123456789012:thing/mine'
    await refusedAs(
      machine.iot(keys, 'eu-west-1').send(thing),
      'AccessDeniedException',
      403,
      denied,
    )
    await refusedAs(machine.iot(machine.edge).send(thing), 'AccessDeniedException', 403)
  })

  it('notes a refused call with its caller', async () => {
    const before = machine.calls.after(0).at(-1)?.seq ?? 0
    const list = machine.iot(machine.edge).send(new DescribeThingCommand({ thingName: 'x' }))
    await refusedAs(list, 'AccessDeniedException', 403)
    expect(machine.calls.after(before)).toMatchObject([
      {
        service: 'iot',
        region: 'eu-west-1',
        operation: 'DescribeThing',
        status: 403,
        error: 'AccessDeniedException',
        caller: 'arn:aws:iam::123456789012:user/landfall-edge',
      },
    ])
  })
})

async function assume(region: string) {
  const { Credentials } = await machine.sts(machine.edge).send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::123456789012:role/landfall-edge-${region}`,
      RoleSessionName: 'a-session',
    }),
  )
  return {
    accessKeyId: Credentials?.AccessKeyId ?? '',
    secretAccessKey: Credentials?.SecretAccessKey ?? '',
    sessionToken: Credentials?.SessionToken ?? '',
  }
}

describe('closing', () => {
  it('finishes what is under way and cuts what hangs', async () => {
    const own = await startMachine()
    own.faults.add({ operation: 'CreateThing', kind: 'delay', delayMs: 20_000, probability: 1 })
    own.faults.add({ operation: 'DescribeEndpoint', kind: 'hang', probability: 1 })
    const iot = own.iot(own.operator)
    const slow = iot.send(new CreateThingCommand({ thingName: 'slow' }))
    const hanging = expect(iot.send(new DescribeEndpointCommand())).rejects.toMatchObject({
      code: 'ECONNRESET',
    })
    await expect.poll(() => own.faults.list().map(({ fired }) => fired)).toEqual([1, 1])
    const stopped = own.stop()
    expect((await slow).thingName).toBe('slow')
    await hanging
    await stopped
  })
})

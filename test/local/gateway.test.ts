import { GetItemCommand, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
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

function dynamoDbRequest(overrides: { body?: string } = {}) {
  return signed(machine, {
    service: 'dynamodb',
    method: 'POST',
    path: '/',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.PutItem',
    },
    body: overrides.body ?? JSON.stringify(putItem),
  })
}

describe('signatures', () => {
  it('takes what the SDK signs for each of the three services', async () => {
    const { operator } = machine
    await machine.dynamodb(operator).send(new PutItemCommand(putItem))
    const got = await machine
      .dynamodb(operator, 'us-west-1')
      .send(new GetItemCommand({ TableName: putItem.TableName, Key: putItem.Item }))
    const identity = await machine.sts(operator).send(new GetCallerIdentityCommand())
    expect(got.Item).toEqual({ thing_name: { S: 'one' } })
    expect(identity.Arn).toBe('arn:aws:iam::123456789012:user/operator')
    expect(got.$metadata.requestId).toMatch(/\w{8}/)
  })

  it('takes names with colons, which clients encode twice under the signature', async () => {
    const made = await machine
      .iot(machine.operator)
      .send(new CreateThingCommand({ thingName: 'a:b:c' }))
    expect(made.thingName).toBe('a:b:c')
  })

  it('takes query values with reserved characters', async () => {
    const answer = machine
      .iot(machine.operator)
      .send(new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS +/&=ü' }))
    await expect(answer).resolves.toBeDefined()
  })

  it('refuses a wrong secret, by the name each service gives it', async () => {
    const wrong = { ...machine.operator, secretAccessKey: 'x'.repeat(40) }
    await refusedAs(
      machine.dynamodb(wrong).send(new PutItemCommand(putItem)),
      'InvalidSignatureException',
      400,
    )
    await refusedAs(
      machine.iot(wrong).send(new CreateThingCommand({ thingName: 'x' })),
      'InvalidSignatureException',
      403,
    )
    await refusedAs(
      machine.sts(wrong).send(new GetCallerIdentityCommand()),
      'SignatureDoesNotMatch',
      403,
    )
  })

  it('refuses a key that it does not know', async () => {
    const unknown = { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey: 'x'.repeat(40) }
    await refusedAs(
      machine.dynamodb(unknown).send(new PutItemCommand(putItem)),
      'UnrecognizedClientException',
      400,
    )
    await refusedAs(
      machine.iot(unknown).send(new CreateThingCommand({ thingName: 'x' })),
      'UnrecognizedClientException',
      403,
    )
    await refusedAs(
      machine.sts(unknown).send(new GetCallerIdentityCommand()),
      'InvalidClientTokenId',
      403,
    )
  })

  it('refuses a body that was changed after signing', async () => {
    const request = await dynamoDbRequest()
    const changed = { ...request, body: request.body.replace('one', 'two') }
    expect(await send(machine, request)).toMatchObject({ status: 200 })
    expect(await send(machine, changed)).toMatchObject({
      status: 400,
      body: expect.stringContaining('InvalidSignatureException'),
    })
  })

  it('refuses a changed body whose signed hash header is the old one', async () => {
    const body = JSON.stringify(putItem)
    const request = await signed(machine, {
      service: 'dynamodb',
      method: 'POST',
      path: '/',
      headers: { 'x-amz-target': 'DynamoDB_20120810.PutItem' },
      body,
      hashHeader: true,
    })
    expect(request.headers).toHaveProperty('x-amz-content-sha256')
    expect(await send(machine, request)).toMatchObject({ status: 200 })
    const changed = await send(machine, { ...request, body: body.replace('one', 'two') })
    expect(changed.body).toContain('InvalidSignatureException')
  })

  it('refuses a header of AWS that was added after signing', async () => {
    const request = await dynamoDbRequest()
    const headers = { ...request.headers, 'x-amz-expected-bucket-owner': 'x' }
    expect((await send(machine, { ...request, headers })).body).toContain(
      'Headers must be signed: x-amz-expected-bucket-owner',
    )
  })

  it('refuses a target or a path that was changed after signing', async () => {
    const request = await dynamoDbRequest()
    const headers = { ...request.headers, 'x-amz-target': 'DynamoDB_20120810.DeleteItem' }
    const target = await send(machine, { ...request, headers })
    const path = await send(machine, { ...request, path: '/other' })
    expect(target.body).toContain('InvalidSignatureException')
    expect(path.body).toContain('InvalidSignatureException')
  })

  it('refuses a request signed more than five minutes ago or ahead', async () => {
    const past = await dynamoDbRequest()
    try {
      machine.clock.now += 5 * 60_000 + 2000
      expect((await send(machine, past)).body).toMatch(
        /Signature expired: \d{8}T\d{6}Z is now earlier/,
      )
      machine.clock.now -= 10 * 60_000 + 4000
      expect((await send(machine, past)).body).toMatch(/Signature not yet current/)
    } finally {
      machine.clock.now = Date.now()
    }
  })

  it('refuses a request without a signature, and one that is presigned', async () => {
    const bare = { method: 'GET', path: '/things/x', headers: {}, body: '' }
    const presigned = { ...bare, path: '/things/x?X-Amz-Signature=00' }
    const scheme = { ...bare, headers: { authorization: 'Bearer x' } }
    expect((await send(machine, bare)).headers['x-amzn-errortype']).toBe(
      'MissingAuthenticationTokenException',
    )
    expect((await send(machine, presigned)).body).toContain('Presigned requests are not part')
    expect((await send(machine, scheme)).headers['x-amzn-errortype']).toBe(
      'IncompleteSignatureException',
    )
  })

  it('never answers with a secret or the signature it expected', async () => {
    const request = await dynamoDbRequest()
    const { body } = await send(machine, { ...request, body: '{}' })
    expect(body).not.toContain(machine.operator.secretAccessKey)
    expect(body).not.toMatch(/[0-9a-f]{64}/)
  })
})

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

import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { CreateThingCommand, DescribeEndpointCommand } from '@aws-sdk/client-iot'
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAllowList, type Machine, startMachine } from './machine.ts'
import { refusedAs, send, signed } from './raw-request.ts'

let machine: Machine
beforeAll(async () => {
  machine = await startMachine()
  await createAllowList(machine.dynamodb(machine.operator))
})
afterAll(() => machine.close())

const putItem = { TableName: 'iot-global-provisioning', Item: { thing_name: { S: 'one' } } }

function dynamoDbRequest() {
  return signed(machine, {
    service: 'dynamodb',
    method: 'POST',
    path: '/',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.PutItem',
    },
    body: JSON.stringify(putItem),
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

  it("takes IoT's calls under the signing name that older clients use", async () => {
    const request = await signed(machine, {
      service: 'execute-api',
      method: 'POST',
      path: '/things/old',
      headers: {},
      body: '{}',
    })
    expect(await send(machine, request)).toMatchObject({ status: 200, body: '{"thingName":"old"}' })
    expect(machine.calls.after(0).at(-1)).toMatchObject({
      service: 'iot',
      operation: 'CreateThing',
    })
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

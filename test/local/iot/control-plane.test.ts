import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AddThingToThingGroupCommand,
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreateKeysAndCertificateCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  CreateThingGroupCommand,
  DeleteCertificateCommand,
  DeletePolicyCommand,
  DeleteThingCommand,
  DescribeCertificateCommand,
  DescribeEndpointCommand,
  DescribeThingCommand,
  DescribeThingGroupCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  GetPolicyCommand,
  type IoTClient,
  ListAttachedPoliciesCommand,
  ListCertificatesCommand,
  ListPoliciesCommand,
  ListPrincipalThingsCommand,
  ListPrincipalThingsV2Command,
  ListTargetsForPolicyCommand,
  ListThingGroupsForThingCommand,
  ListThingPrincipalsCommand,
  ListThingPrincipalsV2Command,
  ListThingsCommand,
  ListThingsInThingGroupCommand,
  paginateListThings,
  UpdateCertificateCommand,
  UpdateThingCommand,
} from '@aws-sdk/client-iot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createIot, type Iot } from '../../../local/iot/iot.ts'
import { newCsr } from './device.ts'
import { accountId, bareRequest, clientOf } from './in-process.ts'

const regions = ['eu-west-1', 'us-east-1']
const document = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }],
})

let iot: Iot
let client: IoTClient

function open(folder?: string): Promise<Iot> {
  return createIot({
    ...(folder === undefined ? {} : { folder }),
    accountId,
    regions,
    endpointAddress: (region) => `127.9.${regions.indexOf(region) + 1}.1`,
  })
}

beforeEach(async () => {
  iot = await open()
  client = clientOf(iot.service, 'eu-west-1')
})

afterEach(() => iot.close())

async function newCertificate(active = true) {
  const { certificateId = '', certificateArn = '' } = await client.send(
    new CreateCertificateFromCsrCommand({
      certificateSigningRequest: await newCsr(),
      setAsActive: active,
    }),
  )
  return { certificateId, certificateArn }
}

function refusal(name: string, status: number) {
  return expect.objectContaining({
    name,
    $metadata: expect.objectContaining({ httpStatusCode: status }),
  })
}

const invalidRequest = refusal('InvalidRequestException', 400)
const notFound = refusal('ResourceNotFoundException', 404)

describe('routing', () => {
  it.each([
    ['POST', '/things/a%3Ab', 'CreateThing'],
    ['POST', '/attached-policies/arn%3Aaws%3Aiot%3Ax%3A1%3Acert%2Fabc', 'ListAttachedPolicies'],
    ['GET', '/things', 'ListThings'],
    ['PUT', '/thing-groups/addThingToThingGroup', 'AddThingToThingGroup'],
    ['GET', '/thing-groups/a/things', 'ListThingsInThingGroup'],
    ['POST', '/things', undefined],
    ['POST', '/things/', undefined],
    ['POST', '/things/a/b', undefined],
    ['POST', '/things/%E0%A4%A', undefined],
    ['POST', '/attached-policies/arn:aws:iot:x:1:cert/abc', undefined],
    ['PUT', '/things/a', undefined],
    ['GET', '/', undefined],
  ])('%s %s is %s', (method, path, operation) => {
    expect(iot.service.operationOf(bareRequest(method, path))).toBe(operation)
  })

  it('answers errors as restJson1 has them', async () => {
    const request = bareRequest('GET', '/things/nobody')
    const error = await iot.service.handle('DescribeThing', request).catch((e) => e)
    expect(iot.service.renderError(error, 'r-1')).toMatchObject({
      status: 404,
      headers: { 'x-amzn-errortype': 'ResourceNotFoundException', 'x-amzn-requestid': 'r-1' },
      body: '{"message":"Thing nobody not found"}',
    })
  })

  it('refuses a body that is not a JSON object', async () => {
    const request = { ...bareRequest('POST', '/things/a'), body: Buffer.from('[1') }
    await expect(iot.service.handle('CreateThing', request)).rejects.toMatchObject({
      code: 'SerializationException',
      status: 400,
    })
  })

  it('refuses a Region that is not enabled', async () => {
    const elsewhere = clientOf(iot.service, 'ap-south-1')
    await expect(elsewhere.send(new ListThingsCommand({}))).rejects.toEqual(invalidRequest)
  })
})

describe('things', () => {
  const thingName = 'site:a-1'

  it('creates one thing for the same name and configuration, however often', async () => {
    const attributePayload = { attributes: { model: 'x1' } }
    const first = await client.send(new CreateThingCommand({ thingName, attributePayload }))
    const second = await client.send(
      new CreateThingCommand({ thingName, attributePayload: { ...attributePayload, merge: true } }),
    )
    expect(first.thingArn).toBe(`arn:aws:iot:eu-west-1:${accountId}:thing/${thingName}`)
    expect(second.thingId).toBe(first.thingId)
    expect(await client.send(new DescribeThingCommand({ thingName }))).toMatchObject({
      thingName,
      defaultClientId: thingName,
      attributes: { model: 'x1' },
      version: 1,
    })
  })

  it('refuses the same name with other attributes', async () => {
    const { thingId, thingArn } = await client.send(new CreateThingCommand({ thingName }))
    const other = new CreateThingCommand({
      thingName,
      attributePayload: { attributes: { model: 'x2' } },
    })
    const error = await client.send(other).catch((e) => e)
    expect(error).toEqual(refusal('ResourceAlreadyExistsException', 409))
    expect(error).toMatchObject({
      message: `Thing ${thingName} already exists in account with different attributes`,
      resourceId: thingId,
      resourceArn: thingArn,
    })
  })

  it.each(['', 'a b', 'ä', 'a/b', 'x'.repeat(129)])('refuses the name %j', async (name) => {
    const request = {
      ...bareRequest('POST', `/things/${encodeURIComponent(name)}`),
      body: Buffer.from('{}'),
    }
    if (name === '') expect(iot.service.operationOf(request)).toBeUndefined()
    else {
      await expect(iot.service.handle('CreateThing', request)).rejects.toMatchObject({
        code: 'InvalidRequestException',
        status: 400,
      })
    }
  })

  it('refuses a fourth attribute, a value with spaces, an unknown type and a billing group', async () => {
    const attributes = { a: '1', b: '2', c: '3', d: '4' }
    const create = (more: object) => client.send(new CreateThingCommand({ thingName, ...more }))
    await expect(create({ attributePayload: { attributes } })).rejects.toEqual(invalidRequest)
    await expect(create({ attributePayload: { attributes: { a: 'x y' } } })).rejects.toEqual(
      invalidRequest,
    )
    await expect(create({ thingTypeName: 'pump' })).rejects.toEqual(notFound)
    await expect(create({ billingGroupName: 'b' })).rejects.toEqual(invalidRequest)
  })

  it('merges or replaces attributes and counts versions', async () => {
    await client.send(
      new CreateThingCommand({ thingName, attributePayload: { attributes: { a: '1', b: '2' } } }),
    )
    const update = (attributes: Record<string, string>, merge: boolean, expectedVersion?: number) =>
      client.send(
        new UpdateThingCommand({
          thingName,
          attributePayload: { attributes, merge },
          ...(expectedVersion === undefined ? {} : { expectedVersion }),
        }),
      )
    await update({ a: '', c: '3' }, true, 1)
    expect(await client.send(new DescribeThingCommand({ thingName }))).toMatchObject({
      attributes: { b: '2', c: '3' },
      version: 2,
    })
    await expect(update({ d: '4' }, false, 1)).rejects.toEqual(
      refusal('VersionConflictException', 409),
    )
    await update({ d: '4' }, false)
    const { attributes } = await client.send(new DescribeThingCommand({ thingName }))
    expect(attributes).toEqual({ d: '4' })
  })

  it('deletes a thing, and one that is not there, but not an attached one', async () => {
    await client.send(new CreateThingCommand({ thingName }))
    const { certificateArn: principal } = await newCertificate()
    await client.send(new AttachThingPrincipalCommand({ thingName, principal }))
    const attached = await client.send(new DeleteThingCommand({ thingName })).catch((e) => e)
    expect(attached).toEqual(invalidRequest)
    expect(attached.message).toContain('is still attached to one or more principals')
    await client.send(new DetachThingPrincipalCommand({ thingName, principal }))
    await client.send(new DeleteThingCommand({ thingName }))
    await client.send(new DeleteThingCommand({ thingName }))
    await expect(client.send(new DescribeThingCommand({ thingName }))).rejects.toEqual(notFound)
  })

  it('lists in pages, by attribute too', async () => {
    for (const n of [1, 2, 3, 4, 5]) {
      const attributePayload = { attributes: { odd: String(n % 2) } }
      await client.send(new CreateThingCommand({ thingName: `t${n}`, attributePayload }))
    }
    const pages: (string | undefined)[][] = []
    for await (const page of paginateListThings({ client, pageSize: 2 }, {})) {
      pages.push((page.things ?? []).map((thing) => thing.thingName))
    }
    expect(pages).toEqual([['t1', 't2'], ['t3', 't4'], ['t5']])
    const odd = await client.send(
      new ListThingsCommand({ attributeName: 'odd', attributeValue: '0' }),
    )
    expect(odd.things?.map((thing) => thing.thingName)).toEqual(['t2', 't4'])
    await expect(client.send(new ListThingsCommand({ nextToken: '!' }))).rejects.toEqual(
      invalidRequest,
    )
    await expect(client.send(new ListThingsCommand({ maxResults: 251 }))).rejects.toEqual(
      invalidRequest,
    )
  })
})

describe('certificates', () => {
  const statusOf = async (certificateId: string) => {
    const answer = await client.send(new DescribeCertificateCommand({ certificateId }))
    return answer.certificateDescription?.status
  }

  it('describes a certificate with real dates', async () => {
    const { certificateId, certificateArn } = await newCertificate(false)
    const { certificateDescription: found } = await client.send(
      new DescribeCertificateCommand({ certificateId }),
    )
    expect(found).toMatchObject({
      certificateId,
      certificateArn,
      status: 'INACTIVE',
      ownedBy: accountId,
    })
    expect(found?.certificatePem).toMatch(/^-----BEGIN CERTIFICATE-----/)
    expect(Math.abs(Date.now() - Number(found?.creationDate))).toBeLessThan(60_000)
    expect(found?.validity?.notAfter?.toISOString()).toBe('2049-12-31T23:59:59.000Z')
  })

  it('makes another certificate of the same CSR at each call', async () => {
    const certificateSigningRequest = await newCsr()
    const issue = () =>
      client.send(new CreateCertificateFromCsrCommand({ certificateSigningRequest }))
    const [first, second] = [await issue(), await issue()]
    expect(second.certificateId).not.toBe(first.certificateId)
  })

  it('is only ACTIVE where asked, and follows the state machine', async () => {
    const { certificateId } = await newCertificate(false)
    const update = (newStatus: 'ACTIVE' | 'INACTIVE' | 'REVOKED' | 'PENDING_TRANSFER') =>
      client.send(new UpdateCertificateCommand({ certificateId, newStatus }))
    const badState = refusal('CertificateStateException', 406)
    await update('ACTIVE')
    await update('ACTIVE')
    expect(await statusOf(certificateId)).toBe('ACTIVE')
    await expect(update('PENDING_TRANSFER')).rejects.toEqual(badState)
    await expect(
      client.send(new UpdateCertificateCommand({ certificateId, newStatus: 'REGISTER_INACTIVE' })),
    ).rejects.toEqual(invalidRequest)
    await update('REVOKED')
    await expect(update('ACTIVE')).rejects.toEqual(badState)
  })

  it('deletes a certificate only once nothing hangs on it', async () => {
    const { certificateId, certificateArn } = await newCertificate()
    const remove = (forceDelete = false) =>
      client.send(new DeleteCertificateCommand({ certificateId, forceDelete }))
    const conflict = refusal('DeleteConflictException', 409)
    const at = { thingName: 't', principal: certificateArn }
    await client.send(new CreateThingCommand({ thingName: 't' }))
    await client.send(new AttachThingPrincipalCommand(at))
    await client.send(new CreatePolicyCommand({ policyName: 'p', policyDocument: document }))
    await client.send(new AttachPolicyCommand({ policyName: 'p', target: certificateArn }))

    await expect(remove(true)).rejects.toEqual(refusal('CertificateStateException', 406))
    await client.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }))
    await expect(remove(true)).rejects.toEqual(conflict)
    await client.send(new DetachThingPrincipalCommand(at))
    await expect(remove()).rejects.toEqual(conflict)
    await remove(true)
    await expect(statusOf(certificateId)).rejects.toEqual(notFound)
    await client.send(new DeletePolicyCommand({ policyName: 'p' }))
  })

  it('lists by creation, newest first unless asked otherwise', async () => {
    const made = [await newCertificate(), await newCertificate(), await newCertificate()]
    const ids = async (ascendingOrder: boolean) => {
      const listed: (string | undefined)[] = []
      let marker: string | undefined
      do {
        const page = await client.send(
          new ListCertificatesCommand({ pageSize: 2, ascendingOrder, ...(marker && { marker }) }),
        )
        listed.push(...(page.certificates ?? []).map((certificate) => certificate.certificateId))
        marker = page.nextMarker
      } while (marker !== undefined)
      return listed
    }
    const inOrder = made.map((certificate) => certificate.certificateId)
    expect(await ids(true)).toEqual(inOrder)
    expect(await ids(false)).toEqual(inOrder.toReversed())
  })

  it.each([
    ['text', 'hello'],
    [
      'an unreadable CSR',
      '-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----',
    ],
    ['too long a text', 'x'.repeat(4097)],
  ])('refuses %s for a CSR', async (_, certificateSigningRequest) => {
    await expect(
      client.send(new CreateCertificateFromCsrCommand({ certificateSigningRequest })),
    ).rejects.toEqual(invalidRequest)
  })

  it('gives a key and its certificate', async () => {
    const made = await client.send(new CreateKeysAndCertificateCommand({ setAsActive: true }))
    expect(made.keyPair?.PrivateKey?.startsWith('-----BEGIN RSA PRIVATE KEY-----')).toBe(true)
    expect(made.keyPair?.PublicKey?.startsWith('-----BEGIN PUBLIC KEY-----')).toBe(true)
    expect(await statusOf(made.certificateId ?? '')).toBe('ACTIVE')
  })
})

describe('policies', () => {
  const policyName = 'landfall-device'
  const create = (policyDocument = document) =>
    client.send(new CreatePolicyCommand({ policyName, policyDocument }))

  it('keeps the document as it came and knows each name once', async () => {
    const made = await create()
    expect(made).toMatchObject({ policyDocument: document, policyVersionId: '1' })
    const found = await client.send(new GetPolicyCommand({ policyName }))
    expect(found).toMatchObject({
      policyDocument: document,
      policyArn: `arn:aws:iot:eu-west-1:${accountId}:policy/${policyName}`,
      defaultVersionId: '1',
    })
    const again = await create().catch((e) => e)
    expect(again).toEqual(refusal('ResourceAlreadyExistsException', 409))
    expect(again.message).toBe(
      `Policy cannot be created - name already exists (name=${policyName})`,
    )
  })

  it.each([
    ['no JSON', '{'],
    ['no version', '{"Statement":[]}'],
    ['no statement', '{"Version":"2012-10-17","Statement":[]}'],
    ['too many characters', JSON.stringify({ ...JSON.parse(document), Id: 'x'.repeat(2048) })],
  ])('refuses a document with %s', async (_, policyDocument) => {
    await expect(create(policyDocument)).rejects.toEqual(refusal('MalformedPolicyException', 400))
    await expect(client.send(new GetPolicyCommand({ policyName }))).rejects.toEqual(notFound)
  })

  it('counts no white space', async () => {
    await create(JSON.stringify(JSON.parse(document), null, 1).replaceAll('\n', '\n'.repeat(300)))
  })

  it('attaches once, however often, and lists both ways', async () => {
    const { certificateArn: target } = await newCertificate()
    await create()
    await client.send(new AttachPolicyCommand({ policyName, target }))
    await client.send(new AttachPolicyCommand({ policyName, target }))
    const attached = await client.send(new ListAttachedPoliciesCommand({ target }))
    expect(attached.policies).toEqual([
      { policyName, policyArn: `arn:aws:iot:eu-west-1:${accountId}:policy/${policyName}` },
    ])
    const targets = await client.send(new ListTargetsForPolicyCommand({ policyName }))
    expect(targets.targets).toEqual([target])
    await expect(client.send(new DeletePolicyCommand({ policyName }))).rejects.toEqual(
      refusal('DeleteConflictException', 409),
    )
    await client.send(new DetachPolicyCommand({ policyName, target }))
    await client.send(new DetachPolicyCommand({ policyName, target }))
    expect((await client.send(new ListAttachedPoliciesCommand({ target }))).policies).toEqual([])
    await client.send(new DeletePolicyCommand({ policyName }))
  })

  it('says which of policy and certificate is missing', async () => {
    const { certificateArn: target } = await newCertificate()
    const attach = (to: string) => client.send(new AttachPolicyCommand({ policyName, target: to }))
    const noPolicy = await attach(target).catch((e) => e)
    expect(noPolicy).toEqual(notFound)
    expect(noPolicy.message).toBe(`Policy not found (name=${policyName})`)
    await create()
    await expect(attach(target.replace(/.$/, 'x'))).rejects.toEqual(notFound)
    await expect(attach(target.replace('eu-west-1', 'us-east-1'))).rejects.toEqual(invalidRequest)
  })

  it('attaches at most ten to a certificate', async () => {
    const { certificateArn: target } = await newCertificate()
    const attach = async (name: string) => {
      await client.send(new CreatePolicyCommand({ policyName: name, policyDocument: document }))
      await client.send(new AttachPolicyCommand({ policyName: name, target }))
    }
    for (let n = 0; n < 10; n++) await attach(`p${n}`)
    await expect(attach('p10')).rejects.toEqual(refusal('LimitExceededException', 410))
    await client.send(new AttachPolicyCommand({ policyName: 'p3', target }))
    const page = await client.send(new ListAttachedPoliciesCommand({ target, pageSize: 4 }))
    expect(page.policies).toHaveLength(4)
    const marker = page.nextMarker ?? ''
    const next = await client.send(new ListAttachedPoliciesCommand({ target, marker }))
    expect(next.policies?.[0]?.policyName).toBe('p4')
    expect((await client.send(new ListPoliciesCommand({}))).policies).toHaveLength(11)
  })
})

describe('principals', () => {
  it('attaches once, however often, and lists both ways', async () => {
    const { certificateArn: principal } = await newCertificate()
    await client.send(new CreateThingCommand({ thingName: 't' }))
    for (const _ of [1, 2]) {
      await client.send(new AttachThingPrincipalCommand({ thingName: 't', principal }))
    }
    const principals = await client.send(new ListThingPrincipalsCommand({ thingName: 't' }))
    expect(principals.principals).toEqual([principal])
    const things = await client.send(new ListPrincipalThingsCommand({ principal }))
    expect(things.things).toEqual(['t'])
  })

  it('keeps an exclusive certificate to one thing', async () => {
    const { certificateArn: principal } = await newCertificate()
    for (const thingName of ['t1', 't2']) await client.send(new CreateThingCommand({ thingName }))
    const attach = (thingName: string, thingPrincipalType?: 'EXCLUSIVE_THING') =>
      client.send(
        new AttachThingPrincipalCommand({
          thingName,
          principal,
          ...(thingPrincipalType && { thingPrincipalType }),
        }),
      )
    await attach('t1', 'EXCLUSIVE_THING')
    await attach('t1', 'EXCLUSIVE_THING')
    await expect(attach('t2')).rejects.toEqual(invalidRequest)
    await expect(attach('t2', 'EXCLUSIVE_THING')).rejects.toEqual(invalidRequest)
    const ofThing = await client.send(new ListThingPrincipalsV2Command({ thingName: 't1' }))
    expect(ofThing.thingPrincipalObjects).toEqual([
      { principal, thingPrincipalType: 'EXCLUSIVE_THING' },
    ])
    const ofPrincipal = await client.send(
      new ListPrincipalThingsV2Command({ principal, thingPrincipalType: 'NON_EXCLUSIVE_THING' }),
    )
    expect(ofPrincipal.principalThingObjects).toEqual([])
    await client.send(new DetachThingPrincipalCommand({ thingName: 't1', principal }))
    await attach('t1')
    await attach('t2')
    await expect(attach('t2', 'EXCLUSIVE_THING')).rejects.toEqual(invalidRequest)
  })

  it('refuses what is not there', async () => {
    const { certificateArn: principal } = await newCertificate()
    const attach = (thingName: string, to: string) =>
      client.send(new AttachThingPrincipalCommand({ thingName, principal: to }))
    await expect(attach('t', principal)).rejects.toEqual(notFound)
    await client.send(new CreateThingCommand({ thingName: 't' }))
    await expect(attach('t', principal.replace(/.$/, 'x'))).rejects.toEqual(notFound)
    await expect(attach('t', 'eu-west-1:cognito')).rejects.toEqual(invalidRequest)
    await expect(
      client.send(new DetachThingPrincipalCommand({ thingName: 't', principal })),
    ).rejects.toEqual(notFound)
  })
})

describe('thing groups', () => {
  it('holds things, once each', async () => {
    const thingGroupName = 'pumps'
    const member = { thingGroupName, thingName: 't' }
    const made = await client.send(new CreateThingGroupCommand({ thingGroupName }))
    expect(await client.send(new CreateThingGroupCommand({ thingGroupName }))).toMatchObject({
      thingGroupId: made.thingGroupId,
    })
    await expect(client.send(new AddThingToThingGroupCommand(member))).rejects.toEqual(notFound)
    await client.send(new CreateThingCommand({ thingName: 't' }))
    for (const _ of [1, 2]) await client.send(new AddThingToThingGroupCommand(member))
    const groups = await client.send(new ListThingGroupsForThingCommand({ thingName: 't' }))
    expect(groups.thingGroups).toEqual([
      {
        groupName: thingGroupName,
        groupArn: `arn:aws:iot:eu-west-1:${accountId}:thinggroup/${thingGroupName}`,
      },
    ])
    const things = await client.send(new ListThingsInThingGroupCommand({ thingGroupName }))
    expect(things.things).toEqual(['t'])
    const found = await client.send(new DescribeThingGroupCommand({ thingGroupName }))
    expect(found.thingGroupMetadata?.creationDate).toBeInstanceOf(Date)
  })

  it('refuses other properties under the same name, and parents', async () => {
    await client.send(new CreateThingGroupCommand({ thingGroupName: 'g' }))
    const other = { thingGroupProperties: { thingGroupDescription: 'other' } }
    await expect(
      client.send(new CreateThingGroupCommand({ thingGroupName: 'g', ...other })),
    ).rejects.toEqual(refusal('ResourceAlreadyExistsException', 409))
    await expect(
      client.send(new CreateThingGroupCommand({ thingGroupName: 'h', parentGroupName: 'g' })),
    ).rejects.toEqual(invalidRequest)
  })
})

describe('isolation and state', () => {
  it('tells the Region its own endpoint, for the ATS type only', async () => {
    const ats = new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' })
    expect((await client.send(ats)).endpointAddress).toBe('127.9.1.1')
    const american = clientOf(iot.service, 'us-east-1')
    expect((await american.send(ats)).endpointAddress).toBe('127.9.2.1')
    await expect(client.send(new DescribeEndpointCommand({}))).rejects.toEqual(invalidRequest)
    const stranger = clientOf(iot.service, 'eu-west-1', '210987654321')
    await expect(stranger.send(ats)).rejects.toEqual(invalidRequest)
  })

  it('keeps Regions and accounts apart', async () => {
    await client.send(new CreateThingCommand({ thingName: 't' }))
    const { certificateId, certificateArn } = await newCertificate()
    for (const other of [
      clientOf(iot.service, 'us-east-1'),
      clientOf(iot.service, 'eu-west-1', '210987654321'),
    ]) {
      await expect(other.send(new DescribeThingCommand({ thingName: 't' }))).rejects.toEqual(
        notFound,
      )
      await expect(other.send(new DescribeCertificateCommand({ certificateId }))).rejects.toEqual(
        notFound,
      )
      await other.send(new CreateThingCommand({ thingName: 't' }))
      await expect(
        other.send(new AttachThingPrincipalCommand({ thingName: 't', principal: certificateArn })),
      ).rejects.toEqual(invalidRequest)
    }
  })

  it('keeps everything over a restart, its authority too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'iot-'))
    const first = await open(folder)
    client = clientOf(first.service, 'eu-west-1')
    const { thingId } = await client.send(new CreateThingCommand({ thingName: 't' }))
    const { certificateArn: principal, certificateId } = await newCertificate()
    await client.send(new AttachThingPrincipalCommand({ thingName: 't', principal }))
    await first.close()

    const second = await open(folder)
    client = clientOf(second.service, 'eu-west-1')
    expect(second.caPem).toBe(first.caPem)
    expect(await client.send(new DescribeThingCommand({ thingName: 't' }))).toMatchObject({
      thingId,
    })
    expect(await client.send(new ListPrincipalThingsCommand({ principal }))).toMatchObject({
      things: ['t'],
    })
    expect(await client.send(new DescribeCertificateCommand({ certificateId }))).toMatchObject({
      certificateDescription: { status: 'ACTIVE' },
    })
    expect(statSync(join(folder, 'ca.key')).mode & 0o777).toBe(0o600)
    await second.close()
    rmSync(folder, { recursive: true })
  })
})

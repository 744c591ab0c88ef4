import {
  AttachThingPrincipalCommand,
  CreateThingCommand,
  DescribeCertificateCommand,
  DescribeEndpointCommand,
  DescribeThingCommand,
  ListThingsCommand,
} from '@aws-sdk/client-iot'
import { describe, expect, it } from 'vitest'
import { bareRequest, clientOf } from './in-process.ts'
import { invalidRequest, newCertificate, notFound, useIot } from './use-iot.ts'

const session = useIot()

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
    expect(session.iot.service.operationOf(bareRequest(method, path))).toBe(operation)
  })

  it('answers errors as restJson1 has them', async () => {
    const request = bareRequest('GET', '/things/nobody')
    const error = await session.iot.service.handle('DescribeThing', request).catch((e) => e)
    expect(session.iot.service.renderError(error, 'r-1')).toMatchObject({
      status: 404,
      headers: { 'x-amzn-errortype': 'ResourceNotFoundException', 'x-amzn-requestid': 'r-1' },
      body: '{"message":"Thing nobody not found"}',
    })
  })

  it('refuses a body that is not a JSON object', async () => {
    const request = { ...bareRequest('POST', '/things/a'), body: Buffer.from('[1') }
    await expect(session.iot.service.handle('CreateThing', request)).rejects.toMatchObject({
      code: 'SerializationException',
      status: 400,
    })
  })

  it('refuses a Region that is not enabled', async () => {
    const elsewhere = clientOf(session.iot.service, 'ap-south-1')
    await expect(elsewhere.send(new ListThingsCommand({}))).rejects.toEqual(invalidRequest)
  })
})

describe('isolation and state', () => {
  it('tells the Region its own endpoint, for the ATS type only', async () => {
    const ats = new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' })
    expect((await session.client.send(ats)).endpointAddress).toBe('127.9.1.1')
    const american = clientOf(session.iot.service, 'us-east-1')
    expect((await american.send(ats)).endpointAddress).toBe('127.9.2.1')
    await expect(session.client.send(new DescribeEndpointCommand({}))).rejects.toEqual(
      invalidRequest,
    )
    const stranger = clientOf(session.iot.service, 'eu-west-1', '210987654321')
    await expect(stranger.send(ats)).rejects.toEqual(invalidRequest)
  })

  it('keeps Regions and accounts apart', async () => {
    await session.client.send(new CreateThingCommand({ thingName: 't' }))
    const { certificateId, certificateArn } = await newCertificate(session.client)
    for (const other of [
      clientOf(session.iot.service, 'us-east-1'),
      clientOf(session.iot.service, 'eu-west-1', '210987654321'),
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
})

import {
  AttachThingPrincipalCommand,
  CreateThingCommand,
  DeleteThingCommand,
  DescribeThingCommand,
  DetachThingPrincipalCommand,
  ListThingsCommand,
  paginateListThings,
  UpdateThingCommand,
} from '@aws-sdk/client-iot'
import { describe, expect, it } from 'vitest'
import { accountId, bareRequest } from './in-process.ts'
import { invalidRequest, newCertificate, notFound, refusal, useIot } from './use-iot.ts'

const session = useIot()

describe('things', () => {
  const thingName = 'site:a-1'

  it('creates one thing for the same name and configuration, however often', async () => {
    const attributePayload = { attributes: { model: 'x1' } }
    const first = await session.client.send(new CreateThingCommand({ thingName, attributePayload }))
    const second = await session.client.send(
      new CreateThingCommand({ thingName, attributePayload: { ...attributePayload, merge: true } }),
    )
    expect(first.thingArn).toBe(`arn:aws:iot:eu-west-1:${accountId}:thing/${thingName}`)
    expect(second.thingId).toBe(first.thingId)
    expect(await session.client.send(new DescribeThingCommand({ thingName }))).toMatchObject({
      thingName,
      defaultClientId: thingName,
      attributes: { model: 'x1' },
      version: 1,
    })
  })

  it('refuses the same name with other attributes', async () => {
    const { thingId, thingArn } = await session.client.send(new CreateThingCommand({ thingName }))
    const other = new CreateThingCommand({
      thingName,
      attributePayload: { attributes: { model: 'x2' } },
    })
    const error = await session.client.send(other).catch((e) => e)
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
    if (name === '') expect(session.iot.service.operationOf(request)).toBeUndefined()
    else {
      await expect(session.iot.service.handle('CreateThing', request)).rejects.toMatchObject({
        code: 'InvalidRequestException',
        status: 400,
      })
    }
  })

  it('refuses a fourth attribute, a value with spaces, an unknown type and a billing group', async () => {
    const attributes = { a: '1', b: '2', c: '3', d: '4' }
    const create = (more: object) =>
      session.client.send(new CreateThingCommand({ thingName, ...more }))
    await expect(create({ attributePayload: { attributes } })).rejects.toEqual(invalidRequest)
    await expect(create({ attributePayload: { attributes: { a: 'x y' } } })).rejects.toEqual(
      invalidRequest,
    )
    await expect(create({ thingTypeName: 'pump' })).rejects.toEqual(notFound)
    await expect(create({ billingGroupName: 'b' })).rejects.toEqual(invalidRequest)
  })

  it('merges or replaces attributes and counts versions', async () => {
    await session.client.send(
      new CreateThingCommand({ thingName, attributePayload: { attributes: { a: '1', b: '2' } } }),
    )
    const update = (attributes: Record<string, string>, merge: boolean, expectedVersion?: number) =>
      session.client.send(
        new UpdateThingCommand({
          thingName,
          attributePayload: { attributes, merge },
          ...(expectedVersion === undefined ? {} : { expectedVersion }),
        }),
      )
    await update({ a: '', c: '3' }, true, 1)
    expect(await session.client.send(new DescribeThingCommand({ thingName }))).toMatchObject({
      attributes: { b: '2', c: '3' },
      version: 2,
    })
    await expect(update({ d: '4' }, false, 1)).rejects.toEqual(
      refusal('VersionConflictException', 409),
    )
    await update({ d: '4' }, false)
    const { attributes } = await session.client.send(new DescribeThingCommand({ thingName }))
    expect(attributes).toEqual({ d: '4' })
  })

  it('deletes a thing, and one that is not there, but not an attached one', async () => {
    await session.client.send(new CreateThingCommand({ thingName }))
    const { certificateArn: principal } = await newCertificate(session.client)
    await session.client.send(new AttachThingPrincipalCommand({ thingName, principal }))
    const attached = await session.client
      .send(new DeleteThingCommand({ thingName }))
      .catch((e) => e)
    expect(attached).toEqual(invalidRequest)
    expect(attached.message).toContain('is still attached to one or more principals')
    await session.client.send(new DetachThingPrincipalCommand({ thingName, principal }))
    await session.client.send(new DeleteThingCommand({ thingName }))
    await session.client.send(new DeleteThingCommand({ thingName }))
    await expect(session.client.send(new DescribeThingCommand({ thingName }))).rejects.toEqual(
      notFound,
    )
  })

  it('lists in pages, by attribute too', async () => {
    for (const n of [1, 2, 3, 4, 5]) {
      const attributePayload = { attributes: { odd: String(n % 2) } }
      await session.client.send(new CreateThingCommand({ thingName: `t${n}`, attributePayload }))
    }
    const pages: (string | undefined)[][] = []
    for await (const page of paginateListThings({ client: session.client, pageSize: 2 }, {})) {
      pages.push((page.things ?? []).map((thing) => thing.thingName))
    }
    expect(pages).toEqual([['t1', 't2'], ['t3', 't4'], ['t5']])
    const odd = await session.client.send(
      new ListThingsCommand({ attributeName: 'odd', attributeValue: '0' }),
    )
    expect(odd.things?.map((thing) => thing.thingName)).toEqual(['t2', 't4'])
    await expect(session.client.send(new ListThingsCommand({ nextToken: '!' }))).rejects.toEqual(
      invalidRequest,
    )
    await expect(session.client.send(new ListThingsCommand({ maxResults: 251 }))).rejects.toEqual(
      invalidRequest,
    )
  })
})

import {
  AddThingToThingGroupCommand,
  AttachThingPrincipalCommand,
  CreateThingCommand,
  CreateThingGroupCommand,
  DescribeThingGroupCommand,
  DetachThingPrincipalCommand,
  ListPrincipalThingsCommand,
  ListPrincipalThingsV2Command,
  ListThingGroupsForThingCommand,
  ListThingPrincipalsCommand,
  ListThingPrincipalsV2Command,
  ListThingsInThingGroupCommand,
} from '@aws-sdk/client-iot'
import { describe, expect, it } from 'vitest'
import { accountId } from './in-process.ts'
import { invalidRequest, newCertificate, notFound, refusal, useIot } from './use-iot.ts'

const session = useIot()

describe('principals', () => {
  it('attaches once, however often, and lists both ways', async () => {
    const { certificateArn: principal } = await newCertificate(session.client)
    await session.client.send(new CreateThingCommand({ thingName: 't' }))
    for (const _ of [1, 2]) {
      await session.client.send(new AttachThingPrincipalCommand({ thingName: 't', principal }))
    }
    const principals = await session.client.send(new ListThingPrincipalsCommand({ thingName: 't' }))
    expect(principals.principals).toEqual([principal])
    const things = await session.client.send(new ListPrincipalThingsCommand({ principal }))
    expect(things.things).toEqual(['t'])
  })

  it('keeps an exclusive certificate to one thing', async () => {
    const { certificateArn: principal } = await newCertificate(session.client)
    for (const thingName of ['t1', 't2'])
      await session.client.send(new CreateThingCommand({ thingName }))
    const attach = (thingName: string, thingPrincipalType?: 'EXCLUSIVE_THING') =>
      session.client.send(
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
    const ofThing = await session.client.send(new ListThingPrincipalsV2Command({ thingName: 't1' }))
    expect(ofThing.thingPrincipalObjects).toEqual([
      { principal, thingPrincipalType: 'EXCLUSIVE_THING' },
    ])
    const ofPrincipal = await session.client.send(
      new ListPrincipalThingsV2Command({ principal, thingPrincipalType: 'NON_EXCLUSIVE_THING' }),
    )
    expect(ofPrincipal.principalThingObjects).toEqual([])
    await session.client.send(new DetachThingPrincipalCommand({ thingName: 't1', principal }))
    await attach('t1')
    await attach('t2')
    await expect(attach('t2', 'EXCLUSIVE_THING')).rejects.toEqual(invalidRequest)
  })

  it('refuses what is not there', async () => {
    const { certificateArn: principal } = await newCertificate(session.client)
    const attach = (thingName: string, to: string) =>
      session.client.send(new AttachThingPrincipalCommand({ thingName, principal: to }))
    await expect(attach('t', principal)).rejects.toEqual(notFound)
    await session.client.send(new CreateThingCommand({ thingName: 't' }))
    await expect(attach('t', principal.replace(/.$/, 'x'))).rejects.toEqual(notFound)
    await expect(attach('t', 'eu-west-1:cognito')).rejects.toEqual(invalidRequest)
    await expect(
      session.client.send(new DetachThingPrincipalCommand({ thingName: 't', principal })),
    ).rejects.toEqual(notFound)
  })
})

describe('thing groups', () => {
  it('holds things, once each', async () => {
    const thingGroupName = 'pumps'
    const member = { thingGroupName, thingName: 't' }
    const made = await session.client.send(new CreateThingGroupCommand({ thingGroupName }))
    expect(
      await session.client.send(new CreateThingGroupCommand({ thingGroupName })),
    ).toMatchObject({
      thingGroupId: made.thingGroupId,
    })
    await expect(session.client.send(new AddThingToThingGroupCommand(member))).rejects.toEqual(
      notFound,
    )
    await session.client.send(new CreateThingCommand({ thingName: 't' }))
    for (const _ of [1, 2]) await session.client.send(new AddThingToThingGroupCommand(member))
    const groups = await session.client.send(new ListThingGroupsForThingCommand({ thingName: 't' }))
    expect(groups.thingGroups).toEqual([
      {
        groupName: thingGroupName,
        groupArn: `arn:aws:iot:eu-west-1:${accountId}:thinggroup/${thingGroupName}`,
      },
    ])
    const things = await session.client.send(new ListThingsInThingGroupCommand({ thingGroupName }))
    expect(things.things).toEqual(['t'])
    const found = await session.client.send(new DescribeThingGroupCommand({ thingGroupName }))
    expect(found.thingGroupMetadata?.creationDate).toBeInstanceOf(Date)
  })

  it('refuses other properties under the same name, and parents', async () => {
    await session.client.send(new CreateThingGroupCommand({ thingGroupName: 'g' }))
    const other = { thingGroupProperties: { thingGroupDescription: 'other' } }
    await expect(
      session.client.send(new CreateThingGroupCommand({ thingGroupName: 'g', ...other })),
    ).rejects.toEqual(refusal('ResourceAlreadyExistsException', 409))
    await expect(
      session.client.send(
        new CreateThingGroupCommand({ thingGroupName: 'h', parentGroupName: 'g' }),
      ),
    ).rejects.toEqual(invalidRequest)
  })
})

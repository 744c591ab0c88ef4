import {
  AttachPolicyCommand,
  CreatePolicyCommand,
  DeletePolicyCommand,
  DetachPolicyCommand,
  GetPolicyCommand,
  ListAttachedPoliciesCommand,
  ListPoliciesCommand,
  ListTargetsForPolicyCommand,
} from '@aws-sdk/client-iot'
import { describe, expect, it } from 'vitest'
import { accountId } from './in-process.ts'
import {
  invalidRequest,
  newCertificate,
  notFound,
  refusal,
  useIot,
  validDocument,
} from './use-iot.ts'

const session = useIot()

describe('policies', () => {
  const policyName = 'landfall-device'
  const create = (policyDocument = validDocument) =>
    session.client.send(new CreatePolicyCommand({ policyName, policyDocument }))

  it('keeps the document as it came and knows each name once', async () => {
    const made = await create()
    expect(made).toMatchObject({ policyDocument: validDocument, policyVersionId: '1' })
    const found = await session.client.send(new GetPolicyCommand({ policyName }))
    expect(found).toMatchObject({
      policyDocument: validDocument,
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
    ['too many characters', JSON.stringify({ ...JSON.parse(validDocument), Id: 'x'.repeat(2048) })],
  ])('refuses a document with %s', async (_, policyDocument) => {
    await expect(create(policyDocument)).rejects.toEqual(refusal('MalformedPolicyException', 400))
    await expect(session.client.send(new GetPolicyCommand({ policyName }))).rejects.toEqual(
      notFound,
    )
  })

  it('counts no white space', async () => {
    await create(
      JSON.stringify(JSON.parse(validDocument), null, 1).replaceAll('\n', '\n'.repeat(300)),
    )
  })

  it('attaches once, however often, and lists both ways', async () => {
    const { certificateArn: target } = await newCertificate(session.client)
    await create()
    await session.client.send(new AttachPolicyCommand({ policyName, target }))
    await session.client.send(new AttachPolicyCommand({ policyName, target }))
    const attached = await session.client.send(new ListAttachedPoliciesCommand({ target }))
    expect(attached.policies).toEqual([
      { policyName, policyArn: `arn:aws:iot:eu-west-1:${accountId}:policy/${policyName}` },
    ])
    const targets = await session.client.send(new ListTargetsForPolicyCommand({ policyName }))
    expect(targets.targets).toEqual([target])
    await expect(session.client.send(new DeletePolicyCommand({ policyName }))).rejects.toEqual(
      refusal('DeleteConflictException', 409),
    )
    await session.client.send(new DetachPolicyCommand({ policyName, target }))
    await session.client.send(new DetachPolicyCommand({ policyName, target }))
    expect(
      (await session.client.send(new ListAttachedPoliciesCommand({ target }))).policies,
    ).toEqual([])
    await session.client.send(new DeletePolicyCommand({ policyName }))
  })

  it('says which of policy and certificate is missing', async () => {
    const { certificateArn: target } = await newCertificate(session.client)
    const attach = (to: string) =>
      session.client.send(new AttachPolicyCommand({ policyName, target: to }))
    const noPolicy = await attach(target).catch((e) => e)
    expect(noPolicy).toEqual(notFound)
    expect(noPolicy.message).toBe(`Policy not found (name=${policyName})`)
    await create()
    await expect(attach(target.replace(/.$/, 'x'))).rejects.toEqual(notFound)
    await expect(attach(target.replace('eu-west-1', 'us-east-1'))).rejects.toEqual(invalidRequest)
  })

  it('attaches at most ten to a certificate', async () => {
    const { certificateArn: target } = await newCertificate(session.client)
    const attach = async (name: string) => {
      await session.client.send(
        new CreatePolicyCommand({ policyName: name, policyDocument: validDocument }),
      )
      await session.client.send(new AttachPolicyCommand({ policyName: name, target }))
    }
    for (let n = 0; n < 10; n++) await attach(`p${n}`)
    await expect(attach('p10')).rejects.toEqual(refusal('LimitExceededException', 410))
    await session.client.send(new AttachPolicyCommand({ policyName: 'p3', target }))
    const page = await session.client.send(new ListAttachedPoliciesCommand({ target, pageSize: 4 }))
    expect(page.policies).toHaveLength(4)
    const marker = page.nextMarker ?? ''
    const next = await session.client.send(new ListAttachedPoliciesCommand({ target, marker }))
    expect(next.policies?.[0]?.policyName).toBe('p4')
    expect((await session.client.send(new ListPoliciesCommand({}))).policies).toHaveLength(11)
  })
})

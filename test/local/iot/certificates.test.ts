import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreateKeysAndCertificateCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  DeleteCertificateCommand,
  DeletePolicyCommand,
  DescribeCertificateCommand,
  DetachThingPrincipalCommand,
  ListCertificatesCommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot'
import { describe, expect, it } from 'vitest'
import { newCsr } from './device.ts'
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

describe('certificates', () => {
  const statusOf = async (certificateId: string) => {
    const answer = await session.client.send(new DescribeCertificateCommand({ certificateId }))
    return answer.certificateDescription?.status
  }

  it('describes a certificate with real dates', async () => {
    const { certificateId, certificateArn } = await newCertificate(session.client, false)
    const { certificateDescription: found } = await session.client.send(
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
      session.client.send(new CreateCertificateFromCsrCommand({ certificateSigningRequest }))
    const [first, second] = [await issue(), await issue()]
    expect(second.certificateId).not.toBe(first.certificateId)
  })

  it('is only ACTIVE where asked, and follows the state machine', async () => {
    const { certificateId } = await newCertificate(session.client, false)
    const update = (newStatus: 'ACTIVE' | 'INACTIVE' | 'REVOKED' | 'PENDING_TRANSFER') =>
      session.client.send(new UpdateCertificateCommand({ certificateId, newStatus }))
    const badState = refusal('CertificateStateException', 406)
    await update('ACTIVE')
    await update('ACTIVE')
    expect(await statusOf(certificateId)).toBe('ACTIVE')
    await expect(update('PENDING_TRANSFER')).rejects.toEqual(badState)
    await expect(
      session.client.send(
        new UpdateCertificateCommand({ certificateId, newStatus: 'REGISTER_INACTIVE' }),
      ),
    ).rejects.toEqual(invalidRequest)
    await update('REVOKED')
    await expect(update('ACTIVE')).rejects.toEqual(badState)
  })

  it('deletes a certificate only once nothing hangs on it', async () => {
    const { certificateId, certificateArn } = await newCertificate(session.client)
    const remove = (forceDelete = false) =>
      session.client.send(new DeleteCertificateCommand({ certificateId, forceDelete }))
    const conflict = refusal('DeleteConflictException', 409)
    const at = { thingName: 't', principal: certificateArn }
    await session.client.send(new CreateThingCommand({ thingName: 't' }))
    await session.client.send(new AttachThingPrincipalCommand(at))
    await session.client.send(
      new CreatePolicyCommand({ policyName: 'p', policyDocument: validDocument }),
    )
    await session.client.send(new AttachPolicyCommand({ policyName: 'p', target: certificateArn }))

    await expect(remove(true)).rejects.toEqual(refusal('CertificateStateException', 406))
    await session.client.send(
      new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }),
    )
    await expect(remove(true)).rejects.toEqual(conflict)
    await session.client.send(new DetachThingPrincipalCommand(at))
    await expect(remove()).rejects.toEqual(conflict)
    await remove(true)
    await expect(statusOf(certificateId)).rejects.toEqual(notFound)
    await session.client.send(new DeletePolicyCommand({ policyName: 'p' }))
  })

  it('lists by creation, newest first unless asked otherwise', async () => {
    const made = [
      await newCertificate(session.client),
      await newCertificate(session.client),
      await newCertificate(session.client),
    ]
    const ids = async (ascendingOrder: boolean) => {
      const listed: (string | undefined)[] = []
      let marker: string | undefined
      do {
        const page = await session.client.send(
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
      session.client.send(new CreateCertificateFromCsrCommand({ certificateSigningRequest })),
    ).rejects.toEqual(invalidRequest)
  })

  it('gives a key and its certificate', async () => {
    const made = await session.client.send(
      new CreateKeysAndCertificateCommand({ setAsActive: true }),
    )
    expect(made.keyPair?.PrivateKey?.startsWith('-----BEGIN RSA PRIVATE KEY-----')).toBe(true)
    expect(made.keyPair?.PublicKey?.startsWith('-----BEGIN PUBLIC KEY-----')).toBe(true)
    expect(await statusOf(made.certificateId ?? '')).toBe('ACTIVE')
  })
})

import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { refusal } from './iot/use-iot.ts'
import {
  type By,
  type Certificate,
  startWatchedWithTable,
  TableName,
  type Watched,
} from './watched.ts'

let watched: Watched
beforeAll(async () => {
  watched = await startWatchedWithTable()
})
afterAll(() => watched.close())
beforeEach(async () => {
  await watched.control('DELETE', '/violations')
  watched.logged.length = 0
})

let lastName = 0
function newName(): string {
  lastName += 1
  return `thing-${lastName}`
}

/** In the order of their regions, as the watch names them. */
function named(...certificates: Certificate[]) {
  return certificates.map(({ certificateId, region }) => ({ certificateId, region }))
}

async function expectOne(expected: object): Promise<void> {
  const before = Date.now() - 60_000
  const violations = await watched.violations()
  expect(violations).toEqual([
    {
      ...expected,
      seq: expect.any(Number),
      at: expect.toSatisfy((at) => at > before && at <= Date.now()),
    },
  ])
  expect(watched.logged).toEqual(violations)
}

describe('I1: one ACTIVE certificate for each thing', () => {
  it.each<By>(['operator', 'edge'])(
    'notes a second one that the %s attaches in another region, once',
    async (by) => {
      const thingName = newName()
      const first = await watched.certificate('eu-west-1')
      const second = await watched.certificate('us-east-1')
      await watched.attach(thingName, first)
      expect(await watched.violations()).toEqual([])
      await watched.attach(thingName, second, by)
      // Again changes nothing, so nothing more is noted.
      await watched.attach(thingName, second, by)
      await expectOne({
        invariant: 'I1',
        thingName,
        certificates: named(first, second),
        operation: 'AttachThingPrincipal',
        region: 'us-east-1',
        caller: watched.arnOf(by, 'us-east-1'),
      })
    },
  )

  it('notes a second one in the same region, and then a third', async () => {
    const thingName = newName()
    for (let made = 0; made < 3; made += 1) {
      await watched.attach(thingName, await watched.certificate())
    }
    const violations = await watched.violations()
    expect(violations.map((each) => each.invariant === 'I1' && each.certificates.length)).toEqual([
      2, 3,
    ])
    expect(violations.map(({ seq }) => seq)).toEqual([
      violations[0]?.seq,
      (violations[0]?.seq ?? Number.NaN) + 1,
    ])
  })

  it('notes one that is made ACTIVE while another is', async () => {
    const thingName = newName()
    const first = await watched.certificate('us-east-1')
    const second = await watched.certificate('eu-west-1', false)
    await watched.attach(thingName, first)
    await watched.attach(thingName, second)
    expect(await watched.violations()).toEqual([])
    await watched.setStatus(second, 'ACTIVE', 'operator')
    await expectOne({
      invariant: 'I1',
      thingName,
      certificates: named(second, first),
      operation: 'UpdateCertificate',
      region: 'eu-west-1',
      caller: watched.arnOf('operator'),
    })
  })

  it('has nothing against a certificate after another, nor against one for two things', async () => {
    const [thingName, other] = [newName(), newName()]
    const [old, next, last] = [
      await watched.certificate('eu-west-1'),
      await watched.certificate('us-east-1'),
      await watched.certificate('us-east-1'),
    ]
    await watched.attach(thingName, old)
    await watched.setStatus(old, 'INACTIVE')
    await watched.attach(thingName, next)
    await watched.detach(thingName, next)
    await watched.attach(thingName, last)
    await watched.attach(other, next)
    const shared = newName()
    await watched.detach(other, next)
    await watched.attach(shared, next)
    await watched.attach(other, next)
    expect(await watched.violations()).toEqual([])
  })
})

describe('K1: nothing deactivates the certificate that a record names', () => {
  /** Provisioned and attached, as an edge leaves it. */
  async function provision(attributes: Readonly<Record<string, string | number>> = { rev: 7 }) {
    const thingName = newName()
    const certificate = await watched.certificate('us-east-1')
    await watched.putRow(thingName, {
      prov_status: 'provisioned',
      aws_region: 'us-east-1',
      certificate_id: certificate.certificateId,
      ...attributes,
    })
    await watched.attach(thingName, certificate)
    return { thingName, certificate }
  }

  function violation(
    { thingName, certificate }: Awaited<ReturnType<typeof provision>>,
    operation: string,
    row: object = {},
  ) {
    const { certificateId } = certificate
    return {
      invariant: 'K1',
      thingName,
      certificateId,
      record: { status: 'provisioned', rev: 7, certificateId, region: 'us-east-1', ...row },
      operation,
      region: 'us-east-1',
      caller: watched.arnOf('edge', 'us-east-1'),
    }
  }

  it.each(['INACTIVE', 'REVOKED'] as const)('notes one that an edge sets %s, once', async (to) => {
    const device = await provision()
    await watched.setStatus(device.certificate, to)
    await watched.setStatus(device.certificate, to)
    await expectOne(violation(device, 'UpdateCertificate'))
  })

  it('notes one that an edge deletes', async () => {
    const device = await provision()
    await watched.setStatus(device.certificate, 'INACTIVE', 'operator')
    await watched.detach(device.thingName, device.certificate)
    expect(await watched.violations()).toEqual([])
    await watched.remove(device.certificate)
    await expectOne(violation(device, 'DeleteCertificate'))
  })

  it('notes nothing where AWS IoT refuses', async () => {
    const { certificate } = await provision()
    const refused = refusal('CertificateStateException', 406)
    await expect(watched.remove(certificate)).rejects.toEqual(refused)
    expect(await watched.violations()).toEqual([])
  })

  it('notes one that was committed and never attached, and says that a row has no rev', async () => {
    const thingName = newName()
    const certificate = await watched.certificate('us-east-1')
    const { certificateId } = certificate
    await watched.putRow(thingName, { prov_status: 'provisioned', certificate_id: certificateId })
    await watched.setStatus(certificate, 'INACTIVE')
    await expectOne(
      violation({ thingName, certificate }, 'UpdateCertificate', { rev: null, region: null }),
    )
  })

  it('knows rows that were written by UpdateItem and in a batch', async () => {
    const certificates = [await watched.certificate(), await watched.certificate()] as const
    const [updated, batched] = [newName(), newName()]
    await watched.dynamodb.send(
      new UpdateItemCommand({
        TableName,
        Key: { thing_name: { S: updated } },
        UpdateExpression: 'SET prov_status = :status, certificate_id = :id',
        ExpressionAttributeValues: {
          ':status': { S: 'provisioned' },
          ':id': { S: certificates[0].certificateId },
        },
      }),
    )
    const Item = {
      thing_name: { S: batched },
      prov_status: { S: 'provisioned' },
      certificate_id: { S: certificates[1].certificateId },
    }
    await watched.dynamodb.send(
      new BatchWriteItemCommand({ RequestItems: { [TableName]: [{ PutRequest: { Item } }] } }),
    )
    for (const certificate of certificates) await watched.setStatus(certificate, 'INACTIVE')
    const violations = await watched.violations()
    expect(violations.map(({ thingName }) => thingName)).toEqual([updated, batched])
  })

  it('lets the operator deactivate by hand', async () => {
    const { thingName, certificate } = await provision()
    await watched.setStatus(certificate, 'INACTIVE', 'operator')
    await watched.detach(thingName, certificate)
    await watched.remove(certificate, 'operator')
    expect(await watched.violations()).toEqual([])
  })

  it.each([
    ['a claim that supersedes it', { prov_status: 'provisioning', rev: 8 }],
    ['a block', { prov_status: 'blocked', rev: 8 }],
    ['a reset', { prov_status: 'unprovisioned', rev: 8 }],
    ['its successor', { prov_status: 'provisioned', certificate_id: 'f'.repeat(64), rev: 9 }],
  ])('lets an edge clean up in order after %s', async (_, row) => {
    const { thingName, certificate } = await provision()
    await watched.putRow(thingName, {
      // Still somewhere in the row, as in its list of superseded ones.
      superseded: certificate.certificateId,
      aws_region: 'us-east-1',
      ...row,
    })
    await watched.setStatus(certificate, 'INACTIVE')
    await watched.detach(thingName, certificate)
    await watched.remove(certificate)
    expect(await watched.violations()).toEqual([])
  })

  it('lets a claim that still names it be cleaned, as only provisioned rows count', async () => {
    const { thingName, certificate } = await provision()
    await watched.putRow(thingName, {
      prov_status: 'provisioning',
      certificate_id: certificate.certificateId,
    })
    await watched.setStatus(certificate, 'INACTIVE')
    expect(await watched.violations()).toEqual([])
  })

  it('has nothing against what no record names, or one that is gone', async () => {
    const { thingName, certificate } = await provision()
    const own = await watched.certificate('us-east-1')
    await watched.dynamodb.send(
      new DeleteItemCommand({ TableName, Key: { thing_name: { S: thingName } } }),
    )
    await watched.setStatus(certificate, 'INACTIVE')
    await watched.setStatus(own, 'INACTIVE')
    await watched.remove(own)
    expect(await watched.violations()).toEqual([])
  })
})

import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { AwsError } from '../service.ts'
import { arnOf } from './arn.ts'
import type { IssuedCertificate } from './authority.ts'
import { certificateId } from './members.ts'
import { flag, invalidRequest, notFound, type OperationContext, operation } from './operation.ts'
import { pageOf, pageSize, pageToken } from './page.ts'
import type { Certificate, Registry } from './registry.ts'
import type { Scope } from './store.ts'

const asActive = { setAsActive: 'setAsActive' }

export const certificateOperations = [
  operation({
    name: 'CreateCertificateFromCsr',
    route: 'POST /certificates',
    query: asActive,
    input: z.object({ certificateSigningRequest: z.string().min(1), setAsActive: flag }),
    async run(context, input) {
      const issued = await context.authority.issueFromCsr(input.certificateSigningRequest)
      return register(context, issued, input.setAsActive)
    },
  }),

  operation({
    name: 'CreateKeysAndCertificate',
    route: 'POST /keys-and-certificate',
    query: asActive,
    input: z.object({ setAsActive: flag }),
    async run(context, input) {
      const issued = await context.authority.issueWithKeys()
      return {
        ...register(context, issued, input.setAsActive),
        keyPair: { PublicKey: issued.publicKeyPem, PrivateKey: issued.privateKeyPem },
      }
    },
  }),

  operation({
    name: 'DescribeCertificate',
    route: 'GET /certificates/{certificateId}',
    input: z.object({ certificateId }),
    run({ scope, registry }, input) {
      return { certificateDescription: describe(scope, getCertificate(registry, scope, input)) }
    },
  }),

  operation({
    name: 'UpdateCertificate',
    route: 'PUT /certificates/{certificateId}',
    query: { newStatus: 'newStatus' },
    input: z.object({
      certificateId,
      newStatus: z.enum([
        'ACTIVE',
        'INACTIVE',
        'REVOKED',
        'PENDING_TRANSFER',
        'PENDING_ACTIVATION',
        'REGISTER_INACTIVE',
      ]),
    }),
    run: updateCertificate,
  }),

  operation({
    name: 'DeleteCertificate',
    route: 'DELETE /certificates/{certificateId}',
    query: { forceDelete: 'forceDelete' },
    input: z.object({ certificateId, forceDelete: flag }),
    run: deleteCertificate,
  }),

  operation({
    name: 'ListCertificates',
    route: 'GET /certificates',
    query: { pageSize: 'pageSize', marker: 'marker', ascendingOrder: 'isAscendingOrder' },
    input: z.object({ pageSize, marker: pageToken, ascendingOrder: flag }),
    run({ scope, registry }, input) {
      const certificates = registry.certificates
        .list(scope)
        .toSorted((a, b) => (creationKey(a) < creationKey(b) ? -1 : 1))
      const page = pageOf(certificates, creationKey, {
        size: input.pageSize,
        token: input.marker,
        descending: !input.ascendingOrder,
      })
      return {
        certificates: page.rows.map((certificate) => ({
          certificateArn: arnOf(scope, 'cert', certificate.certificateId),
          certificateId: certificate.certificateId,
          status: certificate.status,
          certificateMode: 'DEFAULT',
          creationDate: certificate.createdAt,
        })),
        nextMarker: page.next,
      }
    },
  }),
]

/** Throws ResourceNotFoundException. */
export function getCertificate(
  registry: Registry,
  scope: Scope,
  { certificateId: id }: { certificateId: string },
): Certificate {
  const certificate = registry.certificates.find(scope, id)
  if (certificate === undefined) throw notFound(`Certificate ${id} not found`)
  return certificate
}

function register(
  { scope, registry, now }: OperationContext,
  issued: IssuedCertificate,
  active: boolean,
) {
  const { certificateId: id, pem, notBefore, notAfter } = issued
  const createdAt = now()
  registry.certificates.put(scope, id, {
    certificateId: id,
    pem,
    status: active ? 'ACTIVE' : 'INACTIVE',
    createdAt,
    modifiedAt: createdAt,
    notBefore,
    notAfter,
    generationId: randomUUID(),
    customerVersion: 1,
  })
  return { certificateArn: arnOf(scope, 'cert', id), certificateId: id, certificatePem: pem }
}

function describe(scope: Scope, certificate: Certificate) {
  return {
    certificateArn: arnOf(scope, 'cert', certificate.certificateId),
    certificateId: certificate.certificateId,
    status: certificate.status,
    certificatePem: certificate.pem,
    ownedBy: scope.accountId,
    creationDate: certificate.createdAt,
    lastModifiedDate: certificate.modifiedAt,
    customerVersion: certificate.customerVersion,
    transferData: {},
    generationId: certificate.generationId,
    validity: { notBefore: certificate.notBefore, notAfter: certificate.notAfter },
    certificateMode: 'DEFAULT',
  }
}

/** The statuses PENDING_… throw; REGISTER_INACTIVE is not for callers (API UpdateCertificate). */
function updateCertificate(
  { scope, registry, now, certificateChanged }: OperationContext,
  input: { certificateId: string; newStatus: string },
) {
  const certificate = getCertificate(registry, scope, input)
  const { newStatus } = input
  if (newStatus === 'REGISTER_INACTIVE') {
    throw invalidRequest('newStatus REGISTER_INACTIVE is deprecated')
  }
  if (newStatus !== 'ACTIVE' && newStatus !== 'INACTIVE' && newStatus !== 'REVOKED') {
    throw badState(`A certificate can't be set to ${newStatus}`)
  }
  if (newStatus === certificate.status) return {}
  if (certificate.status === 'REVOKED') {
    throw badState(`Certificate ${certificate.certificateId} is revoked, which is final`)
  }
  registry.certificates.put(scope, certificate.certificateId, {
    ...certificate,
    status: newStatus,
    modifiedAt: now(),
    customerVersion: certificate.customerVersion + 1,
  })
  certificateChanged(certificate.certificateId)
  return {}
}

/** forceDelete spares the detaching of policies, nothing else (API DeleteCertificate). */
function deleteCertificate(
  { scope, registry, certificateChanged }: OperationContext,
  input: { certificateId: string; forceDelete: boolean },
) {
  return registry.transaction(() => {
    const { certificateId: id, status } = getCertificate(registry, scope, input)
    const arn = arnOf(scope, 'cert', id)
    if (status === 'ACTIVE') {
      throw badState('Certificate must be deactivated (not ACTIVE) before deletion.')
    }
    if (registry.attachedThings.targetsOf(scope, id).length > 0) {
      throw conflict(`Things must be detached before deletion (arn: ${arn})`)
    }
    const policies = registry.attachedPolicies.targetsOf(scope, arn)
    if (policies.length > 0 && !input.forceDelete) {
      throw conflict(`Certificate policies must be detached before deletion (arn: ${arn})`)
    }
    for (const policy of policies) registry.attachedPolicies.delete(scope, arn, policy.name)
    registry.certificates.delete(scope, id)
    certificateChanged(id)
    return {}
  })
}

/** Sorts by creation, then id: milliseconds in a fixed width. */
function creationKey({ createdAt, certificateId: id }: Certificate): string {
  return `${Math.round(createdAt * 1000)
    .toString()
    .padStart(16, '0')} ${id}`
}

function badState(message: string): AwsError {
  return new AwsError('CertificateStateException', 406, message)
}

function conflict(message: string): AwsError {
  return new AwsError('DeleteConflictException', 409, message)
}

import { catalogue } from '../regions/catalogue.ts'
import type { Credentials } from './credentials.ts'
import { callerOf, type Identity } from './identity.ts'
import { refusal } from './refusal.ts'
import { AwsError, type Caller } from './service.ts'
import {
  type Authorization,
  findSigningTime,
  findSkew,
  isSignedBy,
  type SignedRequest,
  unsignedHeaders,
} from './signature.ts'

const optInRegions = new Set(catalogue.filter((row) => row.optIn).map((row) => row.region))

type AuthenticateDependencies = {
  readonly accountId: string
  readonly regions: ReadonlySet<string>
  readonly credentials: Credentials
  readonly now: () => number
}

/** Who signed the request, and for which region. Throws AwsError as `service`, the addressed one, answers. */
export async function authenticate(
  dependencies: AuthenticateDependencies,
  request: SignedRequest,
  authorization: Authorization | undefined,
  service: string,
): Promise<{ readonly caller: Caller; readonly identity: Identity; readonly region: string }> {
  const { accountId, credentials, now } = dependencies
  if (!authorization) throw withoutAuthorization(request, service)
  const { region, accessKeyId } = authorization
  const amzDate = request.headers['x-amz-date'] ?? ''
  const signedAt = findSigningTime(amzDate)
  if (signedAt === undefined || !amzDate.startsWith(authorization.date)) {
    throw refusal(
      service,
      'incomplete-signature',
      `x-amz-date must be in ISO-8601 basic format and of the credential scope's date, got '${amzDate}'`,
    )
  }
  const unsigned = unsignedHeaders(request.headers, authorization.signedHeaders)
  if (unsigned.length > 0) {
    throw refusal(service, 'wrong-signature', `Headers must be signed: ${unsigned.join(', ')}`)
  }
  const credential = credentials.find(accessKeyId, request.headers['x-amz-security-token'])
  if (!credential) throw refusal(service, 'unknown-key')
  const skew = findSkew(amzDate, signedAt, now())
  if (skew) throw refusal(service, 'wrong-signature', skew)
  if (!(await isSignedBy(credential.secretAccessKey, request, authorization, signedAt))) {
    throw refusal(service, 'wrong-signature')
  }
  if (credential.expiresAt !== undefined && credential.expiresAt <= now()) {
    throw refusal(service, 'expired-token')
  }
  refuseDisabledRegion(service, region, dependencies)
  return {
    caller: callerOf(credential.identity, accountId),
    identity: credential.identity,
    region,
  }
}

function withoutAuthorization(request: SignedRequest, service: string): AwsError {
  if (request.query.has('X-Amz-Signature')) {
    return refusal(
      service,
      'incomplete-signature',
      'Presigned requests are not part of this stand-in: sign with the Authorization header',
    )
  }
  if (request.headers.authorization === undefined) {
    return refusal(service, 'missing-authentication')
  }
  return refusal(
    service,
    'incomplete-signature',
    'Authorization must be AWS4-HMAC-SHA256 with Credential, SignedHeaders and Signature',
  )
}

function refuseDisabledRegion(
  service: string,
  region: string,
  { accountId, regions }: AuthenticateDependencies,
): void {
  if (service === 'iot' && !regions.has(region)) {
    throw refusal(
      service,
      'unknown-key',
      `AWS IoT is not enabled in the region '${region.slice(0, 40)}' on this machine`,
    )
  }
  if (service === 'sts' && optInRegions.has(region) && !regions.has(region)) {
    throw new AwsError(
      'RegionDisabledException',
      403,
      `STS is not activated in this region for account:${accountId}. ` +
        'Your account administrator can activate STS in this region using the IAM Console.',
    )
  }
}

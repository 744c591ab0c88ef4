import { AwsError } from './service.ts'

/** What the gateway itself refuses or injects, before or instead of a service's own answer. */
export type RefusalKind =
  | 'missing-authentication'
  | 'incomplete-signature'
  | 'unknown-key'
  | 'wrong-signature'
  | 'expired-token'
  | 'access-denied'
  | 'throttled'
  | 'unknown-operation'
  | 'internal-failure'

type Wire = readonly [code: string, status: number, message: string]

const NO_TOKEN = 'The security token included in the request is invalid.'
const EXPIRED = 'The security token included in the request is expired'
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. ' +
  'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'
const INTERNAL = 'The request processing has failed because of an unknown error.'

/** DynamoDB answers most of these with 400, AWS IoT and STS with 403; the names differ as well. */
const dynamodb = {
  'missing-authentication': [
    'MissingAuthenticationTokenException',
    400,
    'Request is missing Authentication Token',
  ],
  'incomplete-signature': ['IncompleteSignatureException', 400, MISMATCH],
  'unknown-key': ['UnrecognizedClientException', 400, NO_TOKEN],
  'wrong-signature': ['InvalidSignatureException', 400, MISMATCH],
  'expired-token': ['ExpiredTokenException', 400, EXPIRED],
  'access-denied': ['AccessDeniedException', 400, 'Access denied'],
  throttled: ['ThrottlingException', 400, 'Rate of requests exceeds the allowed throughput.'],
  'unknown-operation': ['UnknownOperationException', 400, 'Unknown operation'],
  'internal-failure': ['InternalServerError', 500, 'Internal server error'],
} as const satisfies Record<RefusalKind, Wire>

const iot = {
  'missing-authentication': [
    'MissingAuthenticationTokenException',
    403,
    'Missing Authentication Token',
  ],
  'incomplete-signature': ['IncompleteSignatureException', 403, MISMATCH],
  'unknown-key': ['UnrecognizedClientException', 403, NO_TOKEN],
  'wrong-signature': ['InvalidSignatureException', 403, MISMATCH],
  'expired-token': ['ExpiredTokenException', 403, EXPIRED],
  'access-denied': ['AccessDeniedException', 403, 'Access denied'],
  throttled: ['ThrottlingException', 400, 'Rate exceeded'],
  'unknown-operation': ['UnknownOperationException', 404, 'Unknown operation'],
  'internal-failure': ['InternalFailureException', 500, INTERNAL],
} as const satisfies Record<RefusalKind, Wire>

const sts = {
  'missing-authentication': [
    'MissingAuthenticationToken',
    403,
    'Request is missing Authentication Token',
  ],
  'incomplete-signature': ['IncompleteSignature', 400, MISMATCH],
  'unknown-key': ['InvalidClientTokenId', 403, NO_TOKEN],
  'wrong-signature': ['SignatureDoesNotMatch', 403, MISMATCH],
  'expired-token': ['ExpiredToken', 403, EXPIRED],
  'access-denied': ['AccessDenied', 403, 'Access denied'],
  throttled: ['Throttling', 400, 'Rate exceeded'],
  'unknown-operation': ['UnknownOperationException', 400, 'Unknown operation'],
  'internal-failure': ['InternalFailure', 500, INTERNAL],
} as const satisfies Record<RefusalKind, Wire>

/** The error by the service's own name and status; a service that isn't here is named as AWS IoT does. */
export function refusal(service: string, kind: RefusalKind, message?: string): AwsError {
  const table = service === 'dynamodb' ? dynamodb : service === 'sts' ? sts : iot
  const [code, status, usual] = table[kind]
  return new AwsError(code, status, message ?? usual)
}

export function accessDenied(
  service: string,
  callerArn: string,
  operation: string,
  resource: string,
): AwsError {
  const action = `${service}:${operation}`
  return refusal(
    service,
    'access-denied',
    `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resource} ` +
      `because no identity-based policy allows the ${action} action`,
  )
}

import { randomUUID } from 'node:crypto'
import type { Credentials } from './credentials.ts'
import {
  EDGE_ROLE_PREFIX,
  edgeRoleArn,
  edgeUserArn,
  OPERATOR_ROLE_PREFIX,
  operatorArn,
  operatorRoleArn,
  principalId,
  SWEEPER_ROLE_PREFIX,
  sweeperRoleArn,
} from './identity.ts'
import { refusal } from './refusal.ts'
import { AwsError, type Service, type ServiceRequest, type ServiceResponse } from './service.ts'

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'
/**
 * A role's MaxSessionDuration unless its owner raises it. On AWS the edge is itself an assumed role,
 * and chained sessions end after an hour in any case.
 */
const MAX_SESSION_SECONDS = 3600
const ASSUME_ROLE_PARAMETERS = new Set([
  'Action',
  'Version',
  'RoleArn',
  'RoleSessionName',
  'DurationSeconds',
  'ExternalId',
])

type StsOptions = {
  readonly accountId: string
  /** The device regions: each has a role for the edge, one for the sweeper and one for operators. */
  readonly regions: readonly string[]
  readonly credentials: Credentials
  /** Milliseconds. */
  readonly now: () => number
}

/** AWS STS over the query protocol: AssumeRole of the device regions' roles, and GetCallerIdentity. */
export function createSts(options: StsOptions): Service {
  return {
    operationOf(request) {
      const action = parametersOf(request).get('Action')
      return action === 'AssumeRole' || action === 'GetCallerIdentity' ? action : undefined
    },
    async handle(operation, request) {
      if (operation === 'AssumeRole') return assumeRole(options, request)
      const { accountId, arn, userId } = request.caller
      return answer('GetCallerIdentity', {
        Arn: arn,
        UserId: userId,
        Account: accountId,
      })
    },
    renderError(error, requestId) {
      const type = error.status >= 500 ? 'Receiver' : 'Sender'
      const body =
        `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>${type}</Type>` +
        `<Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message></Error>` +
        `<RequestId>${requestId}</RequestId></ErrorResponse>`
      return { status: error.status, headers: { 'content-type': 'text/xml' }, body }
    },
  }
}

/** The form parameters of a query-protocol request. */
export function parametersOf(request: ServiceRequest): URLSearchParams {
  return new URLSearchParams(request.body.toString())
}

function assumeRole(options: StsOptions, request: ServiceRequest): ServiceResponse {
  const { accountId, credentials, now, regions } = options
  const { roleArn, sessionName, durationSeconds } = parseAssumeRole(request)
  const role = findRole(accountId, regions, roleArn)
  // One answer for a role that isn't there and one that doesn't trust the caller, as on AWS.
  if (!role?.trusted.includes(request.caller.arn)) {
    throw refusal(
      'sts',
      'access-denied',
      `User: ${request.caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`,
    )
  }
  const { roleName } = role
  const expiresAt = Math.floor(now() / 1000 + durationSeconds) * 1000
  const keys = credentials.issueSession({ roleName, sessionName, expiresAt })
  return answer('AssumeRole', {
    AssumedRoleUser: {
      AssumedRoleId: `${principalId('AROA', accountId, roleName)}:${sessionName}`,
      Arn: `arn:aws:sts::${accountId}:assumed-role/${roleName}/${sessionName}`,
    },
    Credentials: {
      AccessKeyId: keys.accessKeyId,
      SecretAccessKey: keys.secretAccessKey,
      SessionToken: keys.sessionToken,
      Expiration: new Date(expiresAt).toISOString().replace('.000Z', 'Z'),
    },
  })
}

/** The operator may assume every role: an edge may be started by hand, and the sweeper is his command. */
function findRole(accountId: string, regions: readonly string[], arn: string) {
  const operator = operatorArn(accountId)
  for (const region of regions) {
    if (arn === edgeRoleArn(accountId, region)) {
      return { roleName: EDGE_ROLE_PREFIX + region, trusted: [operator, edgeUserArn(accountId)] }
    }
    if (arn === sweeperRoleArn(accountId, region)) {
      return { roleName: SWEEPER_ROLE_PREFIX + region, trusted: [operator] }
    }
    if (arn === operatorRoleArn(accountId, region)) {
      return { roleName: OPERATOR_ROLE_PREFIX + region, trusted: [operator] }
    }
  }
  return undefined
}

function parseAssumeRole(request: ServiceRequest): {
  roleArn: string
  sessionName: string
  durationSeconds: number
} {
  const parameters = parametersOf(request)
  for (const name of parameters.keys()) {
    // A session policy that is taken and not applied would give more than was asked for.
    if (!ASSUME_ROLE_PARAMETERS.has(name)) {
      throw invalid(`AssumeRole's parameter ${name} is not supported by this stand-in`)
    }
  }
  const text = (name: string, min: number, max: number, pattern: RegExp): string => {
    const value = parameters.get(name)
    const at = `'${name.charAt(0).toLowerCase()}${name.slice(1)}'`
    const failed = (constraint: string) =>
      invalid(
        `1 validation error detected: Value '${value ?? 'null'}' at ${at} failed to satisfy constraint: ${constraint}`,
      )
    if (value === null) throw failed('Member must not be null')
    if (value.length < min) throw failed(`Member must have length greater than or equal to ${min}`)
    if (value.length > max) throw failed(`Member must have length less than or equal to ${max}`)
    if (!pattern.test(value)) {
      throw failed(`Member must satisfy regular expression pattern: ${pattern.source.slice(1, -1)}`)
    }
    return value
  }
  const roleArn = text('RoleArn', 20, 2048, /^[ -~\u00A0-\uFFFF]+$/)
  const sessionName = text('RoleSessionName', 2, 64, /^[\w+=,.@-]*$/)
  if (parameters.has('ExternalId')) text('ExternalId', 2, 1224, /^[\w+=,.@:/-]*$/)
  return { roleArn, sessionName, durationSeconds: parseDuration(parameters) }
}

function parseDuration(parameters: URLSearchParams): number {
  const sent = parameters.get('DurationSeconds') ?? '3600'
  const seconds = /^\d{1,9}$/.test(sent) ? Number(sent) : Number.NaN
  if (Number.isNaN(seconds)) throw invalid(`DurationSeconds must be a whole number, got '${sent}'`)
  const outside =
    seconds < 900
      ? 'Member must have value greater than or equal to 900'
      : seconds > 43_200
        ? 'Member must have value less than or equal to 43200'
        : undefined
  if (outside) {
    throw invalid(
      `1 validation error detected: Value '${sent}' at 'durationSeconds' failed to satisfy constraint: ${outside}`,
    )
  }
  if (seconds > MAX_SESSION_SECONDS) {
    throw invalid('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.')
  }
  return seconds
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationError', 400, message)
}

type Xml = { readonly [name: string]: string | Xml }

function answer(operation: string, result: Xml): ServiceResponse {
  const requestId = randomUUID()
  const body =
    `<${operation}Response xmlns="${NAMESPACE}"><${operation}Result>${renderXml(result)}</${operation}Result>` +
    `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>`
  return {
    status: 200,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
    body,
  }
}

function renderXml(value: string | Xml): string {
  if (typeof value === 'string') return escapeXml(value)
  return Object.entries(value)
    .map(([name, inner]) => `<${name}>${renderXml(inner)}</${name}>`)
    .join('')
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

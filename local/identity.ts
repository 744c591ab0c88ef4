import { createHash } from 'node:crypto'
import type { Caller } from './service.ts'

/** The seed's name for the allow-list, so that its own commands work here. */
export const ALLOW_LIST_TABLE = 'iot-global-provisioning'
/** Products and the status of regions. */
export const CONTROL_TABLE = 'iot-global-control'

export const EDGE_ROLE_PREFIX = 'landfall-edge-'
export const SWEEPER_ROLE_PREFIX = 'landfall-sweeper-'
export const OPERATOR_ROLE_PREFIX = 'landfall-operator-'

/** Who holds a credential. A `session` is an assumed role. */
export type Identity =
  | { readonly kind: 'user'; readonly name: 'operator' | 'landfall-edge' }
  | { readonly kind: 'session'; readonly roleName: string; readonly sessionName: string }

/** What a request asks for; `resource` is an ARN, or `*` where the request names none. */
export type Action = {
  readonly service: string
  readonly operation: string
  readonly resource: string
  /** The partition key that an item is written under (IAM's dynamodb:LeadingKeys). */
  readonly leadingKey?: string | undefined
}

/** The control table's rows that an edge writes: how its breakers stand. */
const EDGE_ROW_KIND = 'breaker'

/** The calls one edge makes on each table; DescribeTable is the doctor's, who looks with the edge's eyes. */
const EDGE_TABLE_OPERATIONS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  [ALLOW_LIST_TABLE, new Set(['GetItem', 'UpdateItem', 'DescribeTable'])],
  [CONTROL_TABLE, new Set(['Query', 'PutItem', 'DescribeTable'])],
])

/**
 * The calls one edge makes in a device region, and no other. CreatePolicy, here and for the sweeper, is
 * for a region where nobody made the device policy, as here: nothing is deployed before the first device.
 */
const EDGE_REGION_OPERATIONS = new Set([
  'CreateThing',
  'DescribeThing',
  'UpdateThing',
  'CreateCertificateFromCsr',
  'CreateKeysAndCertificate',
  'UpdateCertificate',
  'DeleteCertificate',
  'AttachPolicy',
  'AttachThingPrincipal',
  'CreatePolicy',
  'DescribeEndpoint',
])

/** The calls the sweeper makes in a device region, and no other: it creates no certificate and no thing. */
const SWEEPER_REGION_OPERATIONS = new Set([
  'ListCertificates',
  'DescribeCertificate',
  'ListPrincipalThings',
  'ListThingPrincipals',
  'ListAttachedPolicies',
  'UpdateCertificate',
  'DetachThingPrincipal',
  'DetachPolicy',
  'DeleteCertificate',
  'AttachPolicy',
  'AttachThingPrincipal',
  'CreatePolicy',
])

/** The calls operators make in a device region, and no others: they look, and take identities away. */
const OPERATOR_REGION_OPERATIONS = new Set([
  'DescribeCertificate',
  'ListPrincipalThings',
  'ListThingPrincipals',
  'ListAttachedPolicies',
  'UpdateCertificate',
  'DetachThingPrincipal',
  'DetachPolicy',
  'DeleteCertificate',
])

/** Each role's calls, in its own region. */
const REGION_ROLES: readonly (readonly [prefix: string, operations: ReadonlySet<string>])[] = [
  [EDGE_ROLE_PREFIX, EDGE_REGION_OPERATIONS],
  [SWEEPER_ROLE_PREFIX, SWEEPER_REGION_OPERATIONS],
  [OPERATOR_ROLE_PREFIX, OPERATOR_REGION_OPERATIONS],
]

export function operatorRoleArn(accountId: string, region: string): string {
  return `arn:aws:iam::${accountId}:role/${OPERATOR_ROLE_PREFIX}${region}`
}

export function sweeperRoleArn(accountId: string, region: string): string {
  return `arn:aws:iam::${accountId}:role/${SWEEPER_ROLE_PREFIX}${region}`
}

export function edgeRoleArn(accountId: string, region: string): string {
  return `arn:aws:iam::${accountId}:role/${EDGE_ROLE_PREFIX}${region}`
}

export function edgeUserArn(accountId: string): string {
  return `arn:aws:iam::${accountId}:user/landfall-edge`
}

export function operatorArn(accountId: string): string {
  return `arn:aws:iam::${accountId}:user/operator`
}

/** IAM's unique id of a user (AIDA…) or role (AROA…); stable, as AWS's are while the principal exists. */
export function principalId(prefix: 'AIDA' | 'AROA', accountId: string, name: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const digest = createHash('sha256').update(`${prefix}/${accountId}/${name}`).digest()
  return prefix + Array.from(digest.subarray(0, 17), (byte) => alphabet[byte & 31]).join('')
}

/** The caller as GetCallerIdentity names it. */
export function callerOf(identity: Identity, accountId: string): Caller {
  if (identity.kind === 'user') {
    return {
      accountId,
      arn: `arn:aws:iam::${accountId}:user/${identity.name}`,
      userId: principalId('AIDA', accountId, identity.name),
    }
  }
  const { roleName, sessionName } = identity
  return {
    accountId,
    arn: `arn:aws:sts::${accountId}:assumed-role/${roleName}/${sessionName}`,
    userId: `${principalId('AROA', accountId, roleName)}:${sessionName}`,
  }
}

/**
 * Whether the identity's own policy allows the action in the region that the request was signed for.
 * GetCallerIdentity needs no permission on AWS either. Whom a role trusts is STS's to check.
 */
export function isAllowed(
  identity: Identity,
  action: Action,
  scope: { readonly accountId: string; readonly region: string },
): boolean {
  const { service, operation, resource, leadingKey } = action
  if (service === 'sts' && operation === 'GetCallerIdentity') return true
  if (identity.kind === 'session') {
    const [, operations] =
      REGION_ROLES.find(([prefix]) => identity.roleName === prefix + scope.region) ?? []
    return service === 'iot' && operations?.has(operation) === true
  }
  switch (identity.name) {
    case 'operator':
      return true
    case 'landfall-edge':
      if (service === 'sts') {
        const roles = edgeRoleArn(scope.accountId, '')
        return operation === 'AssumeRole' && resource.startsWith(roles)
      }
      return (
        service === 'dynamodb' &&
        (operation !== 'PutItem' || leadingKey === EDGE_ROW_KIND) &&
        [...EDGE_TABLE_OPERATIONS].some(
          ([table, operations]) =>
            operations.has(operation) && resource.endsWith(`:table/${table}`),
        )
      )
  }
}

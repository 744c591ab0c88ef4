import { allowListIndexes } from '../app/allowlist/table-layout.ts'

/**
 * What each role may do: pure. Exactly the calls that its caller makes, on resources of its own Region
 * where AWS IoT knows resources for the action; `*` stands only where it knows none (Service
 * Authorization Reference, "Actions, resources, and condition keys for AWS IoT").
 */
export type Statement = {
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  /** The partition keys of the rows that it is about, where those aren't all of the table. */
  readonly leadingKeys?: readonly string[]
}

/**
 * A statement as Pulumi and SST take it. PutItem names a partition key always, so `ForAllValues`, which
 * holds where there is none, lets nothing else through (IAM User Guide, "Set operators").
 */
export function renderStatement({ actions, resources, leadingKeys }: Statement) {
  const test = 'ForAllValues:StringEquals'
  return {
    actions: [...actions],
    resources: [...resources],
    ...(leadingKeys === undefined
      ? {}
      : { conditions: [{ test, variable: 'dynamodb:LeadingKeys', values: [...leadingKeys] }] }),
  }
}

type Scope = { readonly region: string; readonly account: string }

/** The edge in a device region: creates and attaches; deactivates and deletes what it made. */
export function edgeInRegion(scope: Scope): Statement[] {
  return [
    on(thing(scope), ['CreateThing', 'DescribeThing', 'UpdateThing']),
    on(certificate(scope), ['UpdateCertificate', 'DeleteCertificate', 'AttachPolicy']),
    onAttachment(scope, ['AttachThingPrincipal']),
    onAny(['CreateCertificateFromCsr', 'CreateKeysAndCertificate', 'DescribeEndpoint']),
  ]
}

/** The sweeper in a device region: lists, finishes an attachment, removes. It creates nothing. */
export function sweeperInRegion(scope: Scope): Statement[] {
  return [
    on(certificate(scope), [
      'DescribeCertificate',
      'UpdateCertificate',
      'DeleteCertificate',
      'AttachPolicy',
      'DetachPolicy',
      'ListPrincipalThings',
    ]),
    on(thing(scope), ['ListThingPrincipals']),
    onAttachment(scope, ['AttachThingPrincipal', 'DetachThingPrincipal']),
    onAny(['ListCertificates', 'ListAttachedPolicies']),
  ]
}

/** An operator in a device region: looks, and takes a device's identity away. It attaches nothing. */
export function operatorInRegion(scope: Scope): Statement[] {
  return [
    on(certificate(scope), [
      'DescribeCertificate',
      'UpdateCertificate',
      'DeleteCertificate',
      'DetachPolicy',
      'ListPrincipalThings',
    ]),
    on(thing(scope), ['ListThingPrincipals']),
    onAttachment(scope, ['DetachThingPrincipal']),
    onAny(['ListAttachedPolicies']),
  ]
}

/**
 * The edge's Lambda: one item read and written at a time, products and the status of regions, how its own
 * breakers stand, and the roles it may take.
 */
export function edgeLambda(tables: TableArns, regionRoles: readonly string[]): Statement[] {
  return [
    { actions: ['dynamodb:GetItem', 'dynamodb:UpdateItem'], resources: [tables.allowList] },
    { actions: ['dynamodb:Query'], resources: [tables.control] },
    { actions: ['dynamodb:PutItem'], resources: [tables.control], leadingKeys: ['breaker'] },
    { actions: ['sts:AssumeRole'], resources: regionRoles },
  ]
}

/** The sweeper's Lambda: reads every record, and writes those it repairs. */
export function sweeperLambda(tables: TableArns, regionRoles: readonly string[]): Statement[] {
  return [
    {
      actions: ['dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:Scan'],
      resources: [tables.allowList],
    },
    { actions: ['dynamodb:GetItem', 'dynamodb:PutItem'], resources: [tables.control] },
    { actions: ['sts:AssumeRole'], resources: regionRoles },
  ]
}

/** An operator's work on the tables: allow-list, products, regions, and who came to them. */
export function operatorTables(tables: TableArns): Statement[] {
  const indexes = Object.keys(allowListIndexes)
  return [
    {
      actions: [
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
        'dynamodb:DeleteItem',
        'dynamodb:Scan',
      ],
      resources: [tables.allowList],
    },
    {
      actions: [
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
        'dynamodb:DeleteItem',
        'dynamodb:Query',
      ],
      resources: [tables.control],
    },
    {
      actions: ['dynamodb:Query'],
      resources: indexes.map((index) => `${tables.allowList}/index/${index}`),
    },
    { actions: ['dynamodb:DescribeTable'], resources: [tables.allowList, tables.control] },
  ]
}

/** An operator's way into the device regions, and to a sweep out of turn. */
export function operatorReach(regionRoles: readonly string[], sweeperArn: string): Statement[] {
  return [
    { actions: ['sts:AssumeRole'], resources: regionRoles },
    { actions: ['lambda:InvokeFunction'], resources: [sweeperArn] },
  ]
}

type TableArns = { readonly allowList: string; readonly control: string }

function on(resource: string, operations: readonly string[]): Statement {
  return { actions: operations.map((it) => `iot:${it}`), resources: [resource] }
}

/**
 * A certificate and the thing that it is attached to. The reference names the certificate; a managed
 * policy of AWS's own (AWSDeepLensServiceRolePolicy) names both, so both stand here.
 */
function onAttachment(scope: Scope, operations: readonly string[]): Statement {
  const actions = operations.map((it) => `iot:${it}`)
  return { actions, resources: [certificate(scope), thing(scope)] }
}

function onAny(operations: readonly string[]): Statement {
  return on('*', operations)
}

function thing({ region, account }: Scope): string {
  return `arn:aws:iot:${region}:${account}:thing/*`
}

function certificate({ region, account }: Scope): string {
  return `arn:aws:iot:${region}:${account}:cert/*`
}

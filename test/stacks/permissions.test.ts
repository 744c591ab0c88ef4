import * as dynamodb from '@aws-sdk/client-dynamodb'
import * as iot from '@aws-sdk/client-iot'
import * as sts from '@aws-sdk/client-sts'
import { describe, expect, it } from 'vitest'
import { edgeRoleArn, type Identity, isAllowed, sweeperRoleArn } from '../../local/identity.ts'
import {
  edgeInRegion,
  edgeLambda,
  operatorInRegion,
  operatorReach,
  operatorTables,
  type Statement,
  sweeperInRegion,
  sweeperLambda,
} from '../../stacks/permissions.ts'
import { covers } from './covers.ts'

const account = '123456789012'
const region = 'eu-west-1'
const scope = { region, account }
const tableArn = (name: string) => `arn:aws:dynamodb:${region}:${account}:table/${name}`
const tables = {
  allowList: tableArn('iot-global-provisioning'),
  control: tableArn('iot-global-control'),
}

/** Every operation that the service has, by the SDK's commands. */
function operationsOf(client: object): string[] {
  return Object.keys(client).flatMap((name) =>
    /^[A-Z].*Command$/.test(name) ? [name.replace(/Command$/, '')] : [],
  )
}

const actionsOf = (statements: readonly Statement[]) =>
  statements.flatMap((it) => [...it.actions]).toSorted()

describe('a region’s roles', () => {
  const session = (roleName: string): Identity => ({ kind: 'session', roleName, sessionName: 'it' })
  // The stand-in has no deployment that makes the device policy, so there the first device does.
  const onlyWhereNothingIsDeployed = ['iot:CreatePolicy']

  it.each([
    ['edge', session('landfall-edge-eu-west-1'), edgeInRegion(scope)],
    ['sweeper', session('landfall-sweeper-eu-west-1'), sweeperInRegion(scope)],
    ['operator', session('landfall-operator-eu-west-1'), operatorInRegion(scope)],
  ])('let the %s make the calls that the stand-in lets it make', (_, identity, statements) => {
    const allowed = operationsOf(iot).flatMap((operation) =>
      isAllowed(
        identity,
        { service: 'iot', operation, resource: '*' },
        { accountId: account, region },
      )
        ? [`iot:${operation}`]
        : [],
    )
    expect(allowed.length).toBeGreaterThan(7)
    // Operators attach nothing, so they never miss the policy.
    const more = identity.kind === 'session' && identity.roleName.includes('operator')
    const same = [...actionsOf(statements), ...(more ? [] : onlyWhereNothingIsDeployed)]
    expect(allowed.toSorted()).toEqual(same.toSorted())
  })
})

describe('the edge’s Lambda', () => {
  const identity: Identity = { kind: 'user', name: 'landfall-edge' }
  const roles = [edgeRoleArn(account, 'eu-west-1'), edgeRoleArn(account, 'us-east-1')]
  const statements = edgeLambda(tables, roles)
  // In the stand-in `landfall doctor` looks with the edge's own credentials; on AWS nobody has them.
  const onlyForTheDoctor = 'dynamodb:DescribeTable'

  it('may make the calls on each resource that the stand-in lets it make', () => {
    const resources = [
      ...Object.values(tables),
      tableArn('iot-global-provisioning/index/by_status'),
      tableArn('another'),
      ...roles,
      sweeperRoleArn(account, region),
      `arn:aws:iam::${account}:role/admin`,
    ]
    const seen: string[] = []
    for (const [service, client] of Object.entries({ dynamodb, sts, iot })) {
      for (const operation of operationsOf(client)) {
        const action = `${service}:${operation}`
        // Needs no permission on AWS.
        if (action === 'sts:GetCallerIdentity' || action === onlyForTheDoctor) continue
        for (const resource of resources) {
          for (const leadingKey of ['breaker', 'product', 'region', 'sweep']) {
            const allowed = isAllowed(
              identity,
              { service, operation, resource, leadingKey },
              { accountId: account, region },
            )
            const covered = covers(statements, action, resource, leadingKey)
            expect([action, resource, leadingKey, covered]).toEqual([
              action,
              resource,
              leadingKey,
              allowed,
            ])
            if (allowed) seen.push(action)
          }
        }
      }
    }
    expect([...new Set(seen)].toSorted()).toEqual(actionsOf(statements))
  })
})

/** AWS IoT's actions without resource types (Service Authorization Reference, "AWS IoT", 2026). */
const withoutResource = [
  'iot:CreateCertificateFromCsr',
  'iot:CreateKeysAndCertificate',
  'iot:DescribeEndpoint',
  'iot:ListAttachedPolicies',
  'iot:ListCertificates',
]

/** The resource type of the others, by the same reference. */
const resourceTypes: Readonly<Record<string, readonly string[]>> = {
  // The thing beside the certificate: stacks/permissions.ts says why.
  'iot:AttachThingPrincipal': ['cert', 'thing'],
  'iot:DetachThingPrincipal': ['cert', 'thing'],
  'iot:AttachPolicy': ['cert'],
  'iot:DetachPolicy': ['cert'],
  'iot:DescribeCertificate': ['cert'],
  'iot:UpdateCertificate': ['cert'],
  'iot:DeleteCertificate': ['cert'],
  'iot:ListPrincipalThings': ['cert'],
  'iot:CreateThing': ['thing'],
  'iot:DescribeThing': ['thing'],
  'iot:UpdateThing': ['thing'],
  'iot:ListThingPrincipals': ['thing'],
}

describe('every statement', () => {
  const roles = [edgeRoleArn(account, region)]
  const all = [edgeInRegion, sweeperInRegion, operatorInRegion].flatMap((it) => it(scope))
  const ofTables = [
    ...edgeLambda(tables, roles),
    ...sweeperLambda(tables, roles),
    ...operatorTables(tables),
    ...operatorReach(roles, `arn:aws:lambda:${region}:${account}:function:landfall-test-sweeper`),
  ]

  it('names its actions, none by a pattern and none twice', () => {
    for (const { actions } of [...all, ...ofTables]) {
      expect(actions.filter((it) => !/^[a-z]+:[A-Za-z]+$/.test(it))).toEqual([])
      expect(new Set(actions).size).toBe(actions.length)
    }
  })

  it('has * for its resource only where AWS IoT knows none for the action', () => {
    for (const { actions, resources } of all) {
      if (resources.includes('*')) {
        expect(resources).toEqual(['*'])
        expect(actions.filter((it) => !withoutResource.includes(it))).toEqual([])
      } else {
        expect(actions.filter((it) => withoutResource.includes(it))).toEqual([])
        for (const action of actions) {
          const arns = resourceTypes[action]?.map(
            (it) => `arn:aws:iot:${region}:${account}:${it}/*`,
          )
          expect([action, resources]).toEqual([action, arns])
        }
      }
    }
  })

  it('names whole tables, roles and functions', () => {
    const resources = ofTables.flatMap((it) => [...it.resources])
    expect(resources.filter((it) => it.includes('*'))).toEqual([])
  })
})

import { describe, expect, it } from 'vitest'
import { callerOf, type Identity, isAllowed } from '../../local/identity.ts'

const scope = { accountId: '123456789012', region: 'eu-west-1' }
const operator: Identity = { kind: 'user', name: 'operator' }
const edge: Identity = { kind: 'user', name: 'landfall-edge' }
const role: Identity = {
  kind: 'session',
  roleName: 'landfall-edge-eu-west-1',
  sessionName: 'one',
}
const foreign: Identity = { ...role, roleName: 'landfall-edge-us-east-1' }
const sweeper: Identity = { ...role, roleName: 'landfall-sweeper-eu-west-1' }
const foreignSweeper: Identity = { ...role, roleName: 'landfall-sweeper-us-east-1' }
const roleOf = (region: string) => `arn:aws:iam::123456789012:role/landfall-edge-${region}`
const sweeperRole = 'arn:aws:iam::123456789012:role/landfall-sweeper-eu-west-1'
const table = (name: string) => `arn:aws:dynamodb:eu-west-1:123456789012:table/${name}`

describe('permissions', () => {
  it.each([
    ['operator', operator, 'iot', 'DeleteThing', '*', true],
    ['operator', operator, 'dynamodb', 'CreateTable', table('any'), true],
    ['edge', edge, 'dynamodb', 'GetItem', table('iot-global-provisioning'), true],
    ['edge', edge, 'dynamodb', 'UpdateItem', table('iot-global-provisioning'), true],
    ['edge', edge, 'dynamodb', 'Query', table('iot-global-control'), true],
    ['edge', edge, 'dynamodb', 'Query', table('iot-global-provisioning'), false],
    ['edge', edge, 'dynamodb', 'GetItem', table('iot-global-control'), false],
    ['edge', edge, 'dynamodb', 'DeleteItem', table('iot-global-provisioning'), false],
    ['edge', edge, 'dynamodb', 'Scan', table('iot-global-provisioning'), false],
    ['edge', edge, 'dynamodb', 'GetItem', table('my-iot-global-provisioning'), false],
    ['edge', edge, 'dynamodb', 'GetItem', '*', false],
    ['edge', edge, 'sts', 'AssumeRole', roleOf('eu-west-1'), true],
    ['edge', edge, 'sts', 'AssumeRole', 'arn:aws:iam::123456789012:role/admin', false],
    ['edge', edge, 'sts', 'GetCallerIdentity', '*', true],
    ['edge', edge, 'iot', 'CreateThing', '*', false],
    ['role', role, 'iot', 'CreateThing', '*', true],
    ['role', role, 'iot', 'CreateCertificateFromCsr', '*', true],
    ['role', role, 'iot', 'DeleteThing', '*', false],
    ['role', role, 'iot', 'AddThingToThingGroup', '*', false],
    ['role', role, 'iot', 'ListThings', '*', false],
    ['role', role, 'dynamodb', 'GetItem', table('iot-global-provisioning'), false],
    ['role', role, 'sts', 'AssumeRole', roleOf('eu-west-1'), false],
    ['role', role, 'sts', 'GetCallerIdentity', '*', true],
    ['other region', foreign, 'iot', 'CreateThing', '*', false],
    ['edge', edge, 'sts', 'AssumeRole', sweeperRole, false],
    ['role', role, 'iot', 'ListCertificates', '*', false],
    ['sweeper', sweeper, 'iot', 'ListCertificates', '*', true],
    ['sweeper', sweeper, 'iot', 'DetachThingPrincipal', '*', true],
    ['sweeper', sweeper, 'iot', 'AttachThingPrincipal', '*', true],
    ['sweeper', sweeper, 'iot', 'CreateThing', '*', false],
    ['sweeper', sweeper, 'iot', 'CreateKeysAndCertificate', '*', false],
    ['sweeper', sweeper, 'dynamodb', 'Scan', table('iot-global-provisioning'), false],
    ['other region', foreignSweeper, 'iot', 'ListCertificates', '*', false],
  ])('%s %j %s:%s on %s: %s', (_, identity, service, operation, resource, allowed) => {
    expect(isAllowed(identity, { service, operation, resource }, scope)).toBe(allowed)
  })
})

it('lets an edge write how its breakers stand, and no other row of the control table', () => {
  const put = (name: string, leadingKey?: string) =>
    isAllowed(
      edge,
      { service: 'dynamodb', operation: 'PutItem', resource: table(name), leadingKey },
      scope,
    )
  expect(put('iot-global-control', 'breaker')).toBe(true)
  for (const kind of ['product', 'region', 'sweep', undefined]) {
    expect(put('iot-global-control', kind)).toBe(false)
  }
  expect(put('iot-global-provisioning', 'breaker')).toBe(false)
})

it('names callers as AWS does, with ids that stay', () => {
  const caller = callerOf(role, '123456789012')
  expect(caller.arn).toBe('arn:aws:sts::123456789012:assumed-role/landfall-edge-eu-west-1/one')
  expect(caller.userId).toMatch(/^AROA[A-Z2-7]{17}:one$/)
  expect(callerOf(role, '123456789012')).toEqual(caller)
  expect(callerOf(edge, '123456789012').userId).toMatch(/^AIDA[A-Z2-7]{17}$/)
})

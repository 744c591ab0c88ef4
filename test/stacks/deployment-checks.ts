import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import { compactRouterKeys } from '../../app/request/router-keys.ts'
import { strongSets } from '../../stacks/plan-problems.ts'
import {
  account,
  ofType,
  operator,
  privateNumbers,
  rolesOf,
  routerKeysFile,
  statementsOf,
} from './deployments.ts'
import type { Program } from './program.ts'
import { servedRoutes } from './served-routes.ts'

/**
 * What every deployment of production must hold to. Each throws where it doesn't, so that a mutation of
 * the sources shows that it bites.
 */
export const edges = ['eu-west-1', 'eu-central-1']
export const witness = 'eu-west-2'
export const deviceRegions = [
  'us-east-1',
  'us-west-2',
  'sa-east-1',
  'eu-west-1',
  'eu-central-1',
  'ap-south-1',
  'ap-southeast-1',
  'ap-northeast-1',
  'ap-southeast-2',
]

export function checkTables(program: Program): void {
  const tables = ofType(program, 'aws:dynamodb/table:Table')
  expect(tables.map((it) => it.inputs.name)).toEqual([
    'iot-global-provisioning',
    'iot-global-control',
  ])
  const set = strongSets.find((it) => it.includes('eu-west-1'))
  for (const { inputs, region, retainOnDelete } of tables) {
    expect({ region, retainOnDelete }).toEqual({ region: 'eu-west-1', retainOnDelete: true })
    expect(inputs).toMatchObject({
      billingMode: 'PAY_PER_REQUEST',
      deletionProtectionEnabled: true,
      pointInTimeRecovery: { enabled: true },
      streamEnabled: false,
      globalTableWitness: { regionName: witness },
      replicas: [
        {
          regionName: 'eu-central-1',
          consistencyMode: 'STRONG',
          pointInTimeRecovery: true,
          deletionProtectionEnabled: true,
        },
      ],
    })
    expect(set).toEqual(expect.arrayContaining([...edges, witness]))
    // A strongly consistent table has none of these (DynamoDB Developer Guide, "How global tables work").
    expect(inputs.ttl).toBeUndefined()
    expect(inputs.localSecondaryIndexes).toEqual([])
    // Encrypted at rest with the key that DynamoDB owns: always so, unless a table names another.
    expect(inputs.serverSideEncryption).toBeUndefined()
  }
}

/** Each role of a device region: its own caller and nobody else, by external id, for an hour. */
export function checkTrusts(program: Program): void {
  const role = (name: string) => `arn:aws:iam::${account}:role/landfall-production-${name}`
  const callers: Record<string, string[]> = {
    edge: edges.map((edge) => role(`edge-lambda-${edge}`)),
    sweeper: [role('sweeper-lambda')],
    operator: [role('operator')],
  }
  const roles = rolesOf(program)
  for (const [caller, trusted] of Object.entries(callers)) {
    for (const region of deviceRegions) {
      const found = roles.find((it) => it.name === `landfall-production-${caller}-${region}`)
      expect(found?.inputs.maxSessionDuration).toBe(3600)
      expect(found?.trust).toEqual([
        {
          Effect: 'Allow',
          Action: ['sts:AssumeRole'],
          Principal: { AWS: trusted },
          Condition: { StringEquals: { 'sts:ExternalId': ['landfall/production'] } },
        },
      ])
    }
  }
  expect(
    roles.find((it) => it.name === 'landfall-production-operator')?.trust.map((it) => it.Principal),
  ).toEqual([{ AWS: [operator] }])
  for (const { name, trust } of roles) {
    for (const { Principal = {} } of trust) {
      const principals = Object.values(Principal).flat()
      expect(
        principals.filter((it) => it === '*' || it.endsWith(':root')),
        name,
      ).toEqual([])
    }
  }
}

/** Everything lies where the plan says, and nowhere else. */
export function checkRegions(program: Program): void {
  const regionsOf = (type: string) => ofType(program, type).map((it) => it.region)
  const sorted = (regions: readonly (string | undefined)[]) => regions.map(String).toSorted()
  expect(sorted(regionsOf('aws:iot/policy:Policy'))).toEqual(sorted(deviceRegions))
  expect(sorted(regionsOf('aws:apigatewayv2/api:Api'))).toEqual(sorted(edges))
  expect(sorted(regionsOf('aws:apigatewayv2/domainName:DomainName'))).toEqual(sorted(edges))
  expect(sorted(regionsOf('aws:acm/certificate:Certificate'))).toEqual(sorted(edges))
  expect(sorted(regionsOf('aws:lambda/function:Function'))).toEqual(sorted([...edges, 'eu-west-1']))
  expect(regionsOf('aws:scheduler/schedule:Schedule')).toEqual(['eu-west-1'])
  for (const { inputs, region } of ofType(program, 'aws:iot/policy:Policy')) {
    const resources = String(inputs.policy).match(/arn:aws:iot:[a-z0-9-]+:\d+/g) ?? []
    expect([...new Set(resources)]).toEqual([`arn:aws:iot:${region}:${account}`])
  }
}

const perEdge = [
  'ServerErrors',
  'Throttles',
  'Crashes',
  'RegionErrors',
  'BreakerOpened',
  'NotAuthorized',
  'Overtaken',
  'ReadThrottles1',
  'WriteThrottles1',
  'ReadThrottles2',
  'WriteThrottles2',
]

/** Each alarm tells the topic of its own Region; the domain's health is watched from us-east-1. */
export function checkAlarms(program: Program): void {
  const alarms = ofType(program, 'aws:cloudwatch/metricAlarm:MetricAlarm')
  const wanted = [
    ...['EuWest1', 'EuCentral1'].flatMap((edge) => perEdge.map((name) => `Alarm${edge}${name}`)),
    ...['EuWest1', 'EuCentral1'].map((edge) => `Alarm${edge}Unhealthy`),
    ...['SweepMissing', 'SweepFailed', 'ClaimsStuck', 'SweepFindings'].map((it) => `Alarm${it}`),
  ]
  expect(new Set(alarms.map((it) => it.name))).toEqual(new Set(wanted))
  expect(alarms).toHaveLength(wanted.length)
  for (const { name, region, inputs } of alarms) {
    const [topic] = [inputs.alarmActions].flat()
    expect(String(topic), name).toMatch(new RegExp(`^arn:aws:sns:${region}:${account}:`))
    expect(inputs.okActions, name).toEqual(inputs.alarmActions)
    expect(String(inputs.alarmDescription).length, name).toBeGreaterThan(20)
    if (name.endsWith('Unhealthy')) expect(region).toBe('us-east-1')
    const seconds = Number(inputs.period) * Number(inputs.evaluationPeriods)
    // CloudWatch's own bound (PutMetricAlarm).
    expect(seconds, name).toBeLessThanOrEqual(86_400)
    // Sweeps are hours apart: an alarm that wanted two periods with one would never ring.
    if (/Sweep|Claims/.test(name)) expect(inputs.evaluationPeriods, name).toBe(1)
  }
  const topics = ofType(program, 'aws:sns/topic:Topic')
  expect(new Set(topics.map((it) => it.region))).toEqual(new Set([...edges, 'us-east-1']))
  expect(topics.filter((it) => it.inputs.kmsMasterKeyId === undefined)).toEqual([])
  const keys = ofType(program, 'aws:kms/key:Key').map((it) => it.inputs)
  expect(keys.map((it) => it.enableKeyRotation)).toEqual([true, true, true])
  for (const { policy } of keys) {
    const [administers, uses, ...others] = statementsOf(policy)
    expect(others).toEqual([])
    expect(administers?.Principal).toEqual({ AWS: `arn:aws:iam::${account}:root` })
    expect(administers?.Action.filter((it) => /\*$|crypt|Generate|Grant/.test(it))).toEqual(
      ['Describe', 'Get', 'List', 'Put', 'Update', 'Enable', 'Disable'].map((it) => `kms:${it}*`),
    )
    // SNS Developer Guide, "Enable compatibility between event sources from AWS services".
    expect(uses).toMatchObject({
      Effect: 'Allow',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Condition: { StringEquals: { 'aws:SourceAccount': account } },
    })
  }
  expect(ofType(program, 'aws:sns/topicSubscription:TopicSubscription')).toHaveLength(3)
}

/** Every log has an end, and says so in days. */
export function checkRetention(program: Program): void {
  const groups = ofType(program, 'aws:cloudwatch/logGroup:LogGroup')
  expect(groups).toHaveLength(5)
  expect(groups.map((it) => it.inputs.retentionInDays)).toEqual(groups.map(() => 30))
}

/** The edges have the router's keys in their environment, and nobody else has anything anywhere. */
export function checkSecrets(program: Program): void {
  const lambdas = ofType(program, 'aws:lambda/function:Function')
  expect(lambdas).toHaveLength(edges.length + 1)
  const keys = { variables: { LANDFALL_ROUTER_KEYS: compactRouterKeys(routerKeysFile) } }
  for (const { inputs, name } of lambdas) {
    const wanted = String(inputs.name).endsWith('-edge') ? keys : {}
    // Not compared by `expect`, which would print them.
    expect(isDeepStrictEqual(inputs.environment, wanted), name).toBe(true)
  }
  const found = program.resources.flatMap(({ name, inputs, secretInputs }) =>
    placesOf(inputs).map((path) => {
      const secret = secretInputs.some((it) => path === it || path.startsWith(`${it}.`))
      return `${secret ? 'secret' : 'OPEN'} ${name} ${path}`
    }),
  )
  expect(found).toEqual([
    'secret EdgeEuCentral1Function environment.variables.LANDFALL_ROUTER_KEYS',
    'secret EdgeEuWest1Function environment.variables.LANDFALL_ROUTER_KEYS',
    // SST's own note of the secret, in the state.
    'secret RouterKeysLinkRef properties.value',
  ])
  expect(program.secretOutputs).toEqual([])
  expect(placesOf(program.outputs)).toEqual([])
}

/** Where in a value a private number of the router's keys stands, in a name or in a text. */
function placesOf(value: unknown, path = ''): string[] {
  if (typeof value === 'string')
    return privateNumbers.some((it) => value.includes(it)) ? [path] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, each]) => [
    ...placesOf(key, path),
    ...placesOf(each, path === '' ? key : `${path}.${key}`),
  ])
}

/** Each edge's API lets in what the app serves, and no other route. */
export async function checkRoutes(program: Program): Promise<void> {
  const served = (await servedRoutes()).flatMap((it) => edges.map((edge) => `${edge} ${it}`))
  const deployed = ofType(program, 'aws:apigatewayv2/route:Route').map(
    (it) => `${it.region} ${it.inputs.routeKey}`,
  )
  const sorted = (keys: readonly string[]) => keys.toSorted((a, b) => (a < b ? -1 : 1))
  expect(sorted(deployed)).toEqual(sorted(served))
}

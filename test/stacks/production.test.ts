import { beforeAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../app/edge/config.ts'
import { devicePolicy } from '../../regions/device-policy.ts'
import { edgeConfig } from '../../stacks/edge-config.ts'
import { namesOf } from '../../stacks/names.ts'
import { parsePlan } from '../../stacks/plan.ts'
import { stages } from '../../stacks/stages.ts'
import {
  checkAlarms,
  checkRegions,
  checkRetention,
  checkRoutes,
  checkSecrets,
  checkTables,
  checkTrusts,
  deviceRegions,
  edges,
} from './deployment-checks.ts'
import { account, deploy, ofType, operator, rolesOf } from './deployments.ts'
import type { Program } from './program.ts'

let program: Program

beforeAll(async () => {
  program = await deploy('production')
  expect(program.error).toBeUndefined()
})

const inputsOf = (type: string) => ofType(program, type).map((it) => it.inputs)

describe('production', () => {
  it('keeps both tables strongly consistent over its edges and a witness, protected and restorable', () =>
    checkTables(program))
  it('lets each role be assumed by its own callers only', () => checkTrusts(program))
  it('puts everything in the Region that the plan names', () => checkRegions(program))
  it('alarms in each Region, through an encrypted topic', () => checkAlarms(program))
  it('keeps every log for the planned time', () => checkRetention(program))
  it('gives the router’s keys to its edges, as a secret, and to nobody else', () =>
    checkSecrets(program))
  it('lets in what the app serves, at each edge, and no other route', () => checkRoutes(program))

  it('runs its Lambdas on arm64 and Node 24', () => {
    const lambdas = inputsOf('aws:lambda/function:Function')
    expect(lambdas.map((it) => it.timeout)).toEqual([28, 28, 900])
    for (const it of lambdas) {
      expect(it).toMatchObject({ runtime: 'nodejs24.x', architectures: ['arm64'] })
      expect(it.loggingConfig).toMatchObject({ logFormat: 'JSON' })
      expect(it.reservedConcurrentExecutions).toBeUndefined()
    }
  })

  it('throttles each API, logs its accesses and lets browsers of no origin in', () => {
    for (const it of inputsOf('aws:apigatewayv2/stage:Stage')) {
      expect(it.defaultRouteSettings).toMatchObject({
        throttlingRateLimit: 200,
        throttlingBurstLimit: 400,
      })
      expect(it.accessLogSettings).toMatchObject({
        destinationArn: expect.stringContaining('logs'),
      })
    }
    for (const it of inputsOf('aws:apigatewayv2/api:Api')) {
      expect(it.corsConfiguration ?? {}).toEqual({})
    }
  })

  it('answers under one domain by TLS 1.2, from the healthy edge that is nearest in time', () => {
    for (const it of inputsOf('aws:apigatewayv2/domainName:DomainName')) {
      expect(it).toMatchObject({
        domainName: 'devices.landfall.internal',
        domainNameConfiguration: {
          endpointType: 'REGIONAL',
          securityPolicy: 'TLS_1_2',
          ipAddressType: 'dualstack',
        },
      })
    }
    const records = inputsOf('aws:route53/record:Record').filter((it) => it.aliases !== undefined)
    expect(records.map((it) => [it.type, it.latencyRoutingPolicies])).toEqual([
      ['A', [{ region: 'eu-central-1' }]],
      ['AAAA', [{ region: 'eu-central-1' }]],
      ['A', [{ region: 'eu-west-1' }]],
      ['AAAA', [{ region: 'eu-west-1' }]],
    ])
    expect(new Set(records.map((it) => it.healthCheckId)).size).toBe(2)
    const checks = inputsOf('aws:route53/healthCheck:HealthCheck')
    expect(checks.map((it) => it.resourcePath)).toEqual(['/healthz', '/healthz'])
    const hosts = inputsOf('aws:route53/healthCheck:HealthCheck').map((it) => it.fqdn)
    for (const edge of edges) {
      expect(hosts).toContainEqual(expect.stringMatching(`execute-api.${edge}.amazonaws.com$`))
    }
  })

  it('gives all devices of a region one policy by thing variables', () => {
    const policies = ofType(program, 'aws:iot/policy:Policy')
    for (const { inputs, region = '' } of policies) {
      expect(inputs.name).toBe('LandfallDevice-production')
      expect(inputs.policy).toBe(devicePolicy({ partition: 'aws', region, account }))
    }
  })

  it('lets the Lambdas write to their own logs, call their own tables and assume their own roles', () => {
    const [edge] = rolesOf(program).filter((it) => it.name.endsWith('edge-lambda-eu-central-1'))
    const table = `arn:aws:dynamodb:eu-central-1:${account}:table`
    expect(edge?.calls).toEqual([
      {
        Effect: 'Allow',
        Action: ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
        Resource: [`${table}/iot-global-provisioning`],
      },
      { Effect: 'Allow', Action: ['dynamodb:Query'], Resource: [`${table}/iot-global-control`] },
      {
        Effect: 'Allow',
        Action: ['dynamodb:PutItem'],
        Resource: [`${table}/iot-global-control`],
        Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['breaker'] } },
      },
      {
        Effect: 'Allow',
        Action: ['sts:AssumeRole'],
        Resource: deviceRegions.map(
          (it) => `arn:aws:iam::${account}:role/landfall-production-edge-${it}`,
        ),
      },
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: [
          `arn:aws:logs:eu-central-1:${account}:log-group:/aws/lambda/landfall-production-edge:*`,
        ],
      },
    ])
    for (const { name, inputs } of rolesOf(program)) {
      expect(inputs.managedPolicyArns ?? [], name).toEqual([])
    }
  })

  it('tags what its own providers make as SST’s provider does', () => {
    const providers = inputsOf('pulumi:providers:aws').filter((it) => it.defaultTags !== undefined)
    expect(providers.map((it) => JSON.parse(String(it.defaultTags)))).toEqual(
      edges.map(() => ({ tags: { 'sst:app': 'landfall', 'sst:stage': 'production' } })),
    )
  })

  it('hands out a map of what operators need', () => {
    expect(program.outputs).toMatchObject({
      url: 'https://devices.landfall.internal',
      audience: 'https://devices.landfall.internal',
      tables: { allowList: 'iot-global-provisioning', control: 'iot-global-control' },
      operatorRoleArn: `arn:aws:iam::${account}:role/landfall-production-operator`,
    })
  })

  it('writes a configuration that the edge takes, with every region of the plan', () => {
    const { production } = stages
    if (production === undefined || production.kind === 'devices') throw new Error('no router')
    const domain = { name: 'devices.landfall.internal', zone: 'landfall.internal' }
    const configFor = (operators: string[]) => {
      const plan = parsePlan('production', { ...production, domain, operators })
      if (plan.kind !== 'router') throw new Error('no router')
      return parseConfig(
        edgeConfig('eu-west-1', plan, namesOf('production'), {
          account,
          endpointAddresses: Object.fromEntries(deviceRegions.map((it) => [it, `ats.${it}`])),
          locationFile: 'location.bin',
        }),
      )
    }
    const config = configFor([operator])
    // Each of them is deployed: rolesOf has them too.
    const roles = new Set(rolesOf(program).map((it) => `arn:aws:iam::${account}:role/${it.name}`))
    for (const { roleArn, sweeperRoleArn = '', operatorRoleArn = '' } of config.deviceRegions) {
      for (const role of [roleArn, sweeperRoleArn, operatorRoleArn]) expect(roles).toContain(role)
    }
    expect(configFor([]).deviceRegions.flatMap((it) => it.operatorRoleArn ?? [])).toEqual([])
    expect(config.audience).toBe('https://devices.landfall.internal')
    expect(config.deviceRegions.map((it) => it.endpointAddress)).toEqual(
      deviceRegions.map((it) => `ats.${it}`),
    )
  })

  it('is the same bytes each time', async () => {
    expect(JSON.stringify(await deploy('production'))).toBe(JSON.stringify(program))
  })
})

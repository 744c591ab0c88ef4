import { beforeAll, describe, expect, it } from 'vitest'
import {
  account,
  deploy,
  ofType,
  otherAccount,
  privateNumbers,
  rolesOf,
  routerKeysFile,
} from './deployments.ts'
import type { Program } from './program.ts'

/** Counts of AWS's resources, by type. */
function countsOf(program: Program): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { type } of program.resources) {
    if (type.startsWith('aws:')) counts[type] = (counts[type] ?? 0) + 1
  }
  return counts
}

describe('a personal stage', () => {
  let program: Program
  beforeAll(async () => {
    program = await deploy('personal')
    expect(program.error).toBeUndefined()
  })

  it('has one edge, plain tables of its own name, and two device regions', () => {
    const tables = ofType(program, 'aws:dynamodb/table:Table')
    expect(tables.map((it) => it.inputs.name)).toEqual([
      'iot-global-provisioning-ada',
      'iot-global-control-ada',
    ])
    for (const { inputs, retainOnDelete } of tables) {
      expect([inputs.replicas, inputs.globalTableWitness]).toEqual([undefined, undefined])
      expect(inputs.deletionProtectionEnabled).toBe(false)
      expect(retainOnDelete).toBe(false)
    }
    expect(ofType(program, 'aws:iot/policy:Policy').map((it) => it.region)).toEqual([
      'eu-west-1',
      'us-east-1',
    ])
    expect(countsOf(program)).toMatchObject({
      'aws:apigatewayv2/api:Api': 1,
      'aws:lambda/function:Function': 2,
    })
  })

  it('needs no domain: devices call the API by its own name', () => {
    expect(ofType(program, 'aws:route53/record:Record')).toEqual([])
    expect(program.outputs.url).toMatch(/^https:\/\/\w+\.execute-api\.eu-west-1\.amazonaws\.com$/)
  })

  it('is called by its name where it has no domain', () => {
    expect(program.outputs.audience).toBe('landfall-ada')
  })

  it('has no operators’ roles where the plan names no operator', () => {
    expect(rolesOf(program).filter((it) => it.name.includes('operator'))).toEqual([])
  })
})

describe('device regions in a second account', () => {
  let router: Program
  let devices: Program
  beforeAll(async () => {
    // The second account signs nothing, so it needs no keys.
    const noKeys = { SST_SECRET_RouterKeys: undefined }
    ;[router, devices] = await Promise.all([
      deploy('twoAccounts'),
      deploy('secondAccount', {}, noKeys),
    ])
    expect([router.error, devices.error]).toEqual([undefined, undefined])
  })

  it('are left to that account by the router’s deployment, which may assume their roles', () => {
    const regions = ofType(router, 'aws:iot/policy:Policy').map((it) => it.region)
    expect(regions).not.toContain('ap-south-1')
    expect(regions).toHaveLength(8)
    const [edge] = rolesOf(router).filter((it) => it.name.endsWith('edge-lambda-eu-west-1'))
    const assumable = edge?.calls.find((it) => it.Action.includes('sts:AssumeRole'))?.Resource
    expect(assumable).toContain(
      `arn:aws:iam::${otherAccount}:role/landfall-production-edge-ap-south-1`,
    )
  })

  it('come as a stack of roles, policy and log, that the router’s Lambdas may assume', () => {
    expect(countsOf(devices)).toEqual({
      'aws:iam/role:Role': 3,
      'aws:iot/loggingOptions:LoggingOptions': 1,
      'aws:iot/policy:Policy': 1,
    })
    const roles = rolesOf(devices)
    const trusted = (name: string) =>
      roles.find((it) => it.name === name)?.trust.flatMap((it) => it.Principal?.AWS ?? [])
    expect(trusted('landfall-production-edge-ap-south-1')).toEqual([
      `arn:aws:iam::${account}:role/landfall-production-edge-lambda-eu-west-1`,
      `arn:aws:iam::${account}:role/landfall-production-edge-lambda-eu-central-1`,
    ])
    expect(trusted('landfall-production-sweeper-ap-south-1')).toEqual([
      `arn:aws:iam::${account}:role/landfall-production-sweeper-lambda`,
    ])
    const ofLog = roles.find((it) => it.name === 'landfall-production-iot-log-ap-south-1')
    expect(ofLog?.trust.map((it) => it.Principal)).toEqual([{ Service: ['iot.amazonaws.com'] }])
    const resources = roles.flatMap((it) => it.calls.flatMap((call) => call.Resource ?? []))
    const things = resources.filter((it) => it.startsWith('arn:aws:iot:'))
    expect(things.length).toBeGreaterThan(0)
    expect(things.filter((it) => !it.includes(`:ap-south-1:${otherAccount}:`))).toEqual([])
  })

  it('show what the router’s plan needs to know of them', () => {
    expect(devices.outputs).toMatchObject({
      account: otherAccount,
      endpointAddresses: { 'ap-south-1': expect.stringContaining('ap-south-1') },
    })
  })

  it('get names that the router expects, as both follow from one function', () => {
    const [edge] = rolesOf(router).filter((it) => it.name.endsWith('edge-lambda-eu-west-1'))
    const assumable = edge?.calls.find((it) => it.Action.includes('sts:AssumeRole'))?.Resource ?? []
    const made = rolesOf(devices).map((it) => `arn:aws:iam::${otherAccount}:role/${it.name}`)
    expect(made.filter((arn) => assumable.includes(arn))).toHaveLength(1)
  })
})

describe('a plan', () => {
  it('may reserve Lambda instances and keep some warm, which the API then calls', async () => {
    const program = await deploy('warm')
    expect(program.error).toBeUndefined()
    const lambdas = ofType(program, 'aws:lambda/function:Function').map((it) => it.inputs)
    const [edge] = lambdas.filter((it) => it.name === 'landfall-ada-edge')
    expect(edge).toMatchObject({ reservedConcurrentExecutions: 50, publish: true })
    expect(
      ofType(program, 'aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig'),
    ).toMatchObject([{ inputs: { provisionedConcurrentExecutions: 2, qualifier: '1' } }])
    const called = ofType(program, 'aws:apigatewayv2/integration:Integration')
    expect(new Set(called.map((it) => it.inputs.integrationUri))).toEqual(
      new Set([`arn:aws:lambda:eu-west-1:${account}:function:landfall-ada-edge:1`]),
    )
  })

  it('of production is refused until the domain is the owner’s, before anything is made', async () => {
    const program = await deploy('asShipped')
    expect(program.error).toContain('devices.example.com is a name for examples; put your own')
    expect(program.resources.filter((it) => it.type.startsWith('aws:'))).toEqual([])
  })
})

describe('a router is not deployed', () => {
  const withKeys = async (text: string | undefined) => {
    const program = await deploy('personal', {}, { SST_SECRET_RouterKeys: text })
    expect(program.resources.filter((it) => !it.type.startsWith('pulumi:'))).toEqual([])
    expect(privateNumbers.filter((it) => program.error?.includes(it)).length).toBe(0)
    return program.error
  }
  const set = 'npx sst secret set RouterKeys --stage ada <router.keys.json'

  it('without keys, and says how they are made and set', async () => {
    expect(await withKeys(undefined)).toContain(
      `RouterKeys: is not set, and edges sign with it: npx landfall keys new --type ES256 --out router.keys.json, then ${set}`,
    )
  })

  it('with a secret that no edge could read, which stays unsaid', async () => {
    const broken = routerKeysFile.replace('P-256', 'P-384')
    const error = await withKeys(broken)
    expect(error).toContain('RouterKeys: is no JWK Set of private EC P-256 keys: ')
    expect(error).toContain(set)
  })
})

import { STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { assumeRole } from '../../regions/assumed-role.ts'
import { startDeadline } from '../../regions/deadline.ts'
import { connectDeviceRegions, type DeviceRegions } from '../../regions/device-regions.ts'
import { RegionError } from '../../regions/region-error.ts'
import { type Stage, setStage } from '../stage.ts'

let stage: Stage
let regions: DeviceRegions
const roleOf = (region: string) => {
  const found = stage.aws.regions.find((it) => it.region === region)
  if (found === undefined) throw new Error(`no ${region} on the stage`)
  return found.edgeRoleArn
}

beforeAll(async () => {
  stage = await setStage(['eu-west-1', 'us-east-1'])
  stage.enterAws(stage.aws.edge)
  regions = connectDeviceRegions({
    edgeRegion: 'eu-west-1',
    regions: [
      { region: 'eu-west-1', roleArn: roleOf('eu-west-1') },
      // The wrong region's role: whatever it does here is refused.
      { region: 'us-east-1', roleArn: roleOf('eu-west-1'), endpointAddress: 'known' },
    ],
    policyName: 'LandfallDevice',
    sessionName: 'test',
    connectSeconds: 0.5,
    requestSeconds: 0.5,
    now: Date.now,
  })
})
afterAll(async () => {
  regions?.close()
  await stage?.close()
})

function regionOf(name: string) {
  const region = regions.find(name)
  if (region === undefined) throw new Error(`${name} is not connected`)
  return region
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => new Error('it succeeded'),
    (caught: unknown) => caught,
  )
  return error instanceof RegionError ? error.code : String(error)
}

describe('a region', () => {
  const signal = AbortSignal.timeout(30_000)
  const create = (name: string) =>
    regionOf(name).createThing({ thingName: 'dev1', attemptId: 'a1', adopt: false }, signal)

  it.each([
    ['an error of its own', { kind: 'error-before' }, 'failing'],
    ['no answer', { kind: 'lost-before' }, 'unreachable'],
    ['silence', { kind: 'hang' }, 'unreachable'],
    ['throttling to the end', { kind: 'throttle' }, 'throttled'],
    [
      'a refusal',
      {
        kind: 'error-before',
        error: { code: 'InvalidRequestException', status: 400, message: 'no' },
      },
      'refused',
    ],
  ])('that gives %s is told apart', async (_, fault, code) => {
    await stage.fault({ ...fault, operation: 'CreateThing', times: null })
    expect(await codeOf(create('eu-west-1'))).toBe(code)
    await stage.clearFaults()
  })

  it('refuses the role of another region', async () => {
    expect(await codeOf(create('us-east-1'))).toBe('refused')
  })

  it('does nothing for a request whose time is up', async () => {
    const deadline = startDeadline(10)
    deadline.end()
    await stage.clearCalls()
    const call = regionOf('eu-west-1').issueCertificate(undefined, deadline.signal)
    expect(await codeOf(call)).toBe('deadline')
    expect(await stage.calls()).toEqual([])
  })

  it('counts a certificate that is gone as deactivated', async () => {
    await regionOf('eu-west-1').deactivate('0'.repeat(64), signal)
    await regionOf('eu-west-1').destroy('0'.repeat(64), signal)
  })

  it('reads its endpoint once, and not at all where it is configured', async () => {
    await stage.clearCalls()
    const address = await regionOf('eu-west-1').endpointAddress(signal)
    expect(address).toBe(stage.aws.regions[0]?.endpointAddress)
    await regionOf('eu-west-1').endpointAddress(signal)
    expect(await regionOf('us-east-1').endpointAddress(signal)).toBe('known')
    expect((await stage.calls()).map((call) => call.operation)).toEqual(['DescribeEndpoint'])
  })
})

describe('an assumed role', () => {
  function setUp() {
    const clock = { now: Date.now() }
    const sts = new STSClient({ region: 'eu-west-1', maxAttempts: 1 })
    const role = assumeRole({
      sts,
      roleArn: roleOf('eu-west-1'),
      sessionName: 'test',
      now: () => clock.now,
    })
    return { clock, role }
  }
  const minutes = (count: number) => count * 60_000
  const assumed = async () =>
    (await stage.calls()).filter((call) => call.operation === 'AssumeRole').length

  it('is asked for once by all who need it at the same time', async () => {
    const { role } = setUp()
    await stage.clearCalls()
    const all = await Promise.all([role.credentials(), role.credentials(), role.credentials()])
    expect(new Set(all.map((it) => it.accessKeyId)).size).toBe(1)
    expect(await assumed()).toBe(1)
    role.close()
  })

  it('is renewed ahead of its end, while its credentials go on serving', async () => {
    const { clock, role } = setUp()
    const first = await role.credentials()
    clock.now += minutes(46)
    expect(await role.credentials()).toBe(first)
    await expect.poll(() => role.credentials()).not.toBe(first)
    role.close()
  })

  it('goes on with what it has while STS fails, and fails only when that has ended', async () => {
    const { clock, role } = setUp()
    const first = await role.credentials()
    await stage.fault({ kind: 'error-before', operation: 'AssumeRole', times: null })
    clock.now += minutes(50)
    expect(await role.credentials()).toBe(first)
    clock.now += minutes(10)
    await expect(role.credentials()).rejects.toThrow()
    await stage.clearFaults()
    expect(await role.credentials()).not.toBe(first)
    role.close()
  })
})

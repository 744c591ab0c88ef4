import { CreateThingCommand } from '@aws-sdk/client-iot'
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetCallerIdentityCommand,
} from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Machine, startMachine } from './machine.ts'
import { refusedAs } from './raw-request.ts'

let machine: Machine
beforeAll(async () => {
  machine = await startMachine()
})
afterAll(() => machine.close())

const RoleArn = 'arn:aws:iam::123456789012:role/landfall-edge-eu-west-1'
const asked = { RoleArn, RoleSessionName: 'edge@one' }

async function assume(input: Partial<AssumeRoleCommandInput> = {}) {
  const answer = await machine.sts(machine.edge).send(new AssumeRoleCommand({ ...asked, ...input }))
  return {
    ...answer,
    keys: {
      accessKeyId: answer.Credentials?.AccessKeyId ?? '',
      secretAccessKey: answer.Credentials?.SecretAccessKey ?? '',
      sessionToken: answer.Credentials?.SessionToken ?? '',
    },
  }
}

describe('AssumeRole', () => {
  it('gives the edge keys that are the role, for as long as was asked', async () => {
    const { keys, Credentials, AssumedRoleUser } = await assume({
      DurationSeconds: 900,
      ExternalId: 'a:b/c',
    })
    const identity = await machine.sts(keys).send(new GetCallerIdentityCommand())
    const arn = 'arn:aws:sts::123456789012:assumed-role/landfall-edge-eu-west-1/edge@one'
    expect(AssumedRoleUser?.Arn).toBe(arn)
    expect(AssumedRoleUser?.AssumedRoleId).toMatch(/^AROA[A-Z2-7]{17}:edge@one$/)
    expect(identity).toMatchObject({
      Account: '123456789012',
      Arn: arn,
      UserId: AssumedRoleUser?.AssumedRoleId,
    })
    const seconds = ((Credentials?.Expiration?.getTime() ?? 0) - machine.clock.now) / 1000
    expect(seconds).toBeGreaterThan(898)
    expect(seconds).toBeLessThanOrEqual(900)
    expect(keys.accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/)
  })

  it('refuses a session once it is over, by the name each service gives it', async () => {
    const { keys } = await assume({ DurationSeconds: 900 })
    const thing = new CreateThingCommand({ thingName: 'x' })
    await expect(machine.iot(keys).send(thing)).resolves.toBeDefined()
    try {
      machine.clock.now += 901_000
      // The client's own clock stays, so the stale signature would be refused first.
      const clockOf = { systemClockOffset: 901_000 }
      const iot = machine.iot(keys)
      const sts = machine.sts(keys)
      Object.assign(iot.config, clockOf)
      Object.assign(sts.config, clockOf)
      await refusedAs(iot.send(thing), 'ExpiredTokenException', 403)
      await refusedAs(sts.send(new GetCallerIdentityCommand()), 'ExpiredToken', 403)
    } finally {
      machine.clock.now = Date.now()
    }
  })

  it('refuses a token that was changed, that is missing, or that belongs to another key', async () => {
    const { keys } = await assume()
    const other = await assume()
    const caller = new GetCallerIdentityCommand()
    const changed = `${keys.sessionToken.slice(0, -6)}AAAAAA`
    const { sessionToken: _, ...bare } = keys
    const wrong = [
      { ...keys, sessionToken: changed },
      { ...keys, sessionToken: other.keys.sessionToken },
      { ...keys, sessionToken: 'x' },
      bare,
      { ...machine.operator, sessionToken: keys.sessionToken },
    ]
    for (const each of wrong) {
      await refusedAs(machine.sts(each).send(caller), 'InvalidClientTokenId', 403)
    }
  })

  it('refuses a role that is not there, of another account, or that does not trust the caller', async () => {
    const roles = [
      'arn:aws:iam::123456789012:role/landfall-edge-ap-south-1',
      'arn:aws:iam::999999999999:role/landfall-edge-eu-west-1',
      'arn:aws:iam::123456789012:role/other',
    ]
    for (const role of roles) {
      const call = machine
        .sts(machine.edge)
        .send(new AssumeRoleCommand({ ...asked, RoleArn: role }))
      await refusedAs(
        call,
        'AccessDenied',
        403,
        `User: arn:aws:iam::123456789012:user/landfall-edge is not authorized to perform: sts:AssumeRole on resource: ${role}`,
      )
    }
  })

  it('lets the operator assume the roles too, to run an edge by hand', async () => {
    const { Credentials } = await machine.sts(machine.operator).send(new AssumeRoleCommand(asked))
    expect(Credentials?.SessionToken).toBeDefined()
  })

  it('gives the sweeper’s role to the operator only', async () => {
    const sweeper = { ...asked, RoleArn: RoleArn.replace('edge', 'sweeper') }
    const { AssumedRoleUser } = await machine
      .sts(machine.operator)
      .send(new AssumeRoleCommand(sweeper))
    expect(AssumedRoleUser?.Arn).toContain('assumed-role/landfall-sweeper-eu-west-1/')
    await refusedAs(assume({ RoleArn: sweeper.RoleArn }), 'AccessDenied', 403)
  })

  it.each([
    ['a session name with a colon', { RoleSessionName: 'a:b' }, "at 'roleSessionName'"],
    ['a session name of one letter', { RoleSessionName: 'a' }, 'greater than or equal to 2'],
    ['a session name of 65', { RoleSessionName: 'a'.repeat(65) }, 'less than or equal to 64'],
    ['less than 15 minutes', { DurationSeconds: 899 }, 'greater than or equal to 900'],
    ['more than 12 hours', { DurationSeconds: 43_201 }, 'less than or equal to 43200'],
    ['more than the role allows', { DurationSeconds: 3601 }, 'MaxSessionDuration'],
    ['a session policy', { Policy: '{}' }, 'Policy is not supported'],
  ])('refuses %s', async (_, input, message) => {
    await refusedAs(assume(input), 'ValidationError', 400, message)
  })

  it('lets a session assume nothing', async () => {
    const { keys } = await assume()
    await refusedAs(machine.sts(keys).send(new AssumeRoleCommand(asked)), 'AccessDenied', 403)
  })
})

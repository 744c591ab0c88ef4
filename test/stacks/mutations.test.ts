import { beforeAll, describe, expect, it } from 'vitest'
import {
  checkAlarms,
  checkRegions,
  checkRoutes,
  checkSecrets,
  checkTables,
  checkTrusts,
} from './deployment-checks.ts'
import { deploy } from './deployments.ts'
import type { Program } from './program.ts'
import type { Replacements } from './replaced-sources.ts'

/** A fault planted in the sources, and the check that has to see it. */
const mutations: readonly [string, (program: Program) => void | Promise<void>, Replacements][] = [
  [
    'strong consistency removed',
    checkTables,
    { 'stacks/tables.ts': (it) => it.replace("consistencyMode: 'STRONG',", '') },
  ],
  [
    'a witness forgotten',
    checkTables,
    { 'stacks/tables.ts': (it) => it.replace('if (plan.witness !== undefined)', 'if (false)') },
  ],
  [
    'point-in-time recovery of a replica removed',
    checkTables,
    { 'stacks/tables.ts': (it) => it.replace('pointInTimeRecovery: true,', '') },
  ],
  [
    'a trust widened to the account',
    checkTrusts,
    {
      'stacks/roles.ts': (it) =>
        it.replace('identifiers: role.trusted', "identifiers: ['arn:aws:iam::111122223333:root']"),
    },
  ],
  [
    'a trust without its external id',
    checkTrusts,
    {
      'stacks/roles.ts': (it) =>
        it.replace(/conditions: \[\s*\{ test: 'StringEquals'[^\]]*\] \},\s*\],/, ''),
    },
  ],
  [
    'a device policy in the wrong Region',
    checkRegions,
    {
      'stacks/device-region.ts': (it) =>
        it.replace(/(account: id \}\),?\s*\),\s*)region,/, "$1region: 'us-east-1',"),
    },
  ],
  [
    'an alarm lost',
    checkAlarms,
    { 'stacks/alarm-settings.ts': (it) => it.replace('    ClaimsStuck: {', '    SweepFailed: {') },
  ],
  [
    'an alarm that tells nobody',
    checkAlarms,
    { 'stacks/alarms.ts': (it) => it.replace('alarmActions: [topic.arn]', 'alarmActions: []') },
  ],
  [
    'a topic’s key that CloudWatch may not use',
    checkAlarms,
    { 'stacks/alarm-topic.ts': (it) => it.replace("'cloudwatch.amazonaws.com'", "'sns'") },
  ],
  [
    'the router’s keys unmarked',
    checkSecrets,
    {
      'stacks/router-keys.ts': (it) =>
        it.replace(/new sst\.Secret\(.*\)(?=\n)/, '$util.unsecret($&)'),
    },
  ],
  [
    'the router’s keys among the outputs',
    checkSecrets,
    { 'stacks/router.ts': (it) => it.replace('    edgeUrls,', '    edgeUrls, keys,') },
  ],
  [
    'the router’s keys in the sweeper',
    checkSecrets,
    {
      'stacks/sweeper.ts': (it) =>
        it.replace(
          'locates: false,',
          'locates: false, secrets: { KEYS: $util.secret(process.env.SST_SECRET_RouterKeys) },',
        ),
    },
  ],
  [
    'a route lost',
    checkRoutes,
    { 'stacks/routes.ts': (it) => it.replace("  'ANY /v1/nonce',\n", '') },
  ],
]

/** A program takes seconds: so one has a fault for each check, the next one the next for each. */
const byCheck = Map.groupBy(mutations, ([, check]) => check)
const most = Math.max(...[...byCheck.values()].map((faults) => faults.length))
const rounds = Array.from({ length: most }, (_, round) => ({
  planted: [...byCheck.values()].flatMap((faults) => faults.slice(round, round + 1)),
  unharmed: [...byCheck].filter(([, faults]) => faults.length <= round).map(([check]) => check),
}))

describe.each(rounds)('the checks of production', ({ planted, unharmed }) => {
  let program: Program
  beforeAll(async () => {
    program = await deploy(
      'production',
      Object.assign({}, ...planted.map(([, , replacements]) => replacements)),
    )
  })

  it('meet a program that runs', () => {
    expect(program.error).toBeUndefined()
  })

  it.each(planted)('see %s', async (_what, check) => {
    await expect((async () => check(program))()).rejects.toThrow()
  })

  it.each(unharmed.map((check) => [check.name, check] as const))(
    'see nothing in %s, for which nothing is planted',
    async (_name, check) => {
      await check(program)
    },
  )
})

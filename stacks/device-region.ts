import { devicePolicy } from '../regions/device-policy.ts'
import { type Naming, titleOf } from './names.ts'
import { edgeInRegion, operatorInRegion, type Statement, sweeperInRegion } from './permissions.ts'
import type { RouterPlan } from './plan.ts'
import { assumableRole, policyDocument, trustOf } from './roles.ts'

type PlannedRegion = Omit<RouterPlan['deviceRegions'][number], 'account' | 'endpointAddress'>

/** Who may assume the roles of a device region: ARNs of roles, never an account. */
export type Callers = {
  readonly edge: $util.Input<string>[]
  readonly sweeper: $util.Input<string>[]
  readonly operator: $util.Input<string>[]
}

/** The address that devices of a region connect to, read at deployment: it never changes. */
export function endpointAddressOf(region: string): $util.Output<string> {
  return aws.iot.getEndpointOutput({ endpointType: 'iot:Data-ATS', region }).endpointAddress
}

/**
 * One region that devices land in: three roles, the policy that all its devices share, and where wanted
 * AWS IoT's log.
 */
export function createDeviceRegion(
  planned: PlannedRegion,
  deps: { names: Naming; account: $util.Output<string>; callers: Callers },
): void {
  const { region } = planned
  const { names, account, callers } = deps
  const title = titleOf(region)
  const scoped = (permissions: (scope: { region: string; account: string }) => Statement[]) =>
    account.apply((id) => permissions({ region, account: id }))

  for (const [caller, statements] of [
    ['edge', scoped(edgeInRegion)],
    ['sweeper', scoped(sweeperInRegion)],
    ['operator', scoped(operatorInRegion)],
  ] as const) {
    if (callers[caller].length === 0) continue
    assumableRole(`${title}${titleOf(caller)}Role`, {
      name: names.regionRole(caller, region),
      trusted: callers[caller],
      externalId: names.externalId,
      statements,
    })
  }

  new aws.iot.Policy(`${title}DevicePolicy`, {
    name: names.devicePolicy,
    policy: account.apply((id) => devicePolicy({ partition: 'aws', region, account: id })),
    region,
  })
  if (planned.logging !== undefined) {
    createLogging(region, { name: names.iotLogRole(region), level: planned.logging })
  }
}

function createLogging(region: string, log: { name: string; level: string }): void {
  const title = titleOf(region)
  const role = new aws.iam.Role(`${title}IotLogRole`, {
    name: log.name,
    assumeRolePolicy: trustOf('iot.amazonaws.com'),
    inlinePolicies: [
      {
        name: 'log',
        policy: policyDocument([
          {
            actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
            resources: [`arn:aws:logs:${region}:*:log-group:AWSIotLogsV2*`],
          },
        ]),
      },
    ],
  })
  new aws.iot.LoggingOptions(`${title}IotLog`, {
    defaultLogLevel: log.level,
    roleArn: role.arn,
    disableAllLogs: log.level === 'DISABLED',
    region,
  })
}

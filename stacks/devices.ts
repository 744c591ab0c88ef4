import { createDeviceRegion, endpointAddressOf } from './device-region.ts'
import { namesOf } from './names.ts'
import type { DevicesPlan } from './plan.ts'

/**
 * The device regions of a second account, deployed there on its own. The names are those that the
 * router's plan expects, as both follow from the router's stage.
 */
export function deployDevices(plan: DevicesPlan) {
  const names = namesOf(plan.routerStage)
  const account = aws.getCallerIdentityOutput().accountId
  const callers = {
    edge: plan.edgeRoleArns,
    sweeper: [plan.sweeperRoleArn],
    operator: plan.operatorRoleArn === undefined ? [] : [plan.operatorRoleArn],
  }
  for (const planned of plan.deviceRegions) {
    createDeviceRegion(planned, { names, account, callers })
  }
  const endpointAddresses = Object.fromEntries(
    plan.deviceRegions.map(({ region }) => [region, endpointAddressOf(region)]),
  )
  return { account, endpointAddresses }
}

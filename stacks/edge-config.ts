import { type Naming, roleArn } from './names.ts'
import type { RouterPlan } from './plan.ts'

/** What docs/configuration.md calls an edge's configuration: pure. The sweeper reads the same. */
export type EdgeConfig = ReturnType<typeof edgeConfig>

export function edgeConfig(
  edge: string,
  plan: RouterPlan,
  names: Naming,
  known: {
    account: string
    /** The addresses that were read at deployment, by region. */
    endpointAddresses: Readonly<Record<string, string>>
    locationFile: string
  },
) {
  return {
    region: edge,
    audience: audienceOf(plan, names),
    tables: plan.tables ?? names.tables,
    devicePolicyName: names.devicePolicy,
    metricsNamespace: names.metricsNamespace,
    locationFile: known.locationFile,
    deviceRegions: plan.deviceRegions.map((it) => {
      const account = it.account ?? known.account
      const endpointAddress = it.endpointAddress ?? known.endpointAddresses[it.region]
      return {
        region: it.region,
        roleArn: roleArn(account, names.regionRole('edge', it.region)),
        sweeperRoleArn: roleArn(account, names.regionRole('sweeper', it.region)),
        // Commands read the same file; without operators there are no such roles.
        ...(plan.operators.length === 0
          ? {}
          : { operatorRoleArn: roleArn(account, names.regionRole('operator', it.region)) }),
        externalId: names.externalId,
        dedicated: it.dedicated,
        ...(endpointAddress === undefined ? {} : { endpointAddress }),
      }
    }),
  }
}

/** What devices call this deployment in `aud`: what the plan says, else its URL, else its name. */
export function audienceOf({ audience, domain }: RouterPlan, names: Naming): string {
  return audience ?? (domain === undefined ? names.deployment : `https://${domain.name}`)
}

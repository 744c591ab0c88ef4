import { createAlarms } from './alarms.ts'
import { dashboardBody } from './dashboard.ts'
import { deployerCredentials } from './deployer-credentials.ts'
import { createDeviceRegion, endpointAddressOf } from './device-region.ts'
import { createCertificates, createRecords } from './domain.ts'
import { createEdge } from './edge.ts'
import { audienceOf, edgeConfig } from './edge-config.ts'
import { refuseOtherConsistency } from './existing-table.ts'
import { locationFile } from './location-file.ts'
import { namesOf, roleArn } from './names.ts'
import { edgeLambda, operatorReach, operatorTables, sweeperLambda } from './permissions.ts'
import type { RouterPlan } from './plan.ts'
import { regionalProviders } from './providers.ts'
import { assumableRole } from './roles.ts'
import { refuseOtherKeys, routerKeys } from './router-keys.ts'
import { createSweeper } from './sweeper.ts'
import { createTables } from './tables.ts'

/** The whole deployment of one stage; returns the map of what an operator needs. */
export async function deployRouter(stage: string, plan: RouterPlan) {
  const names = namesOf(stage)
  const tableNames = plan.tables ?? names.tables
  refuseOtherKeys(stage, process.env)
  const credentials = deployerCredentials(process.env)
  await refuseOtherConsistency(stage, plan, Object.values(tableNames), credentials)

  const account = aws.getCallerIdentityOutput().accountId
  const providers = regionalProviders(stage)
  createTables(plan, tableNames, providers)
  const arnsIn = (region: string, id: string) => ({
    allowList: `arn:aws:dynamodb:${region}:${id}:table/${tableNames.allowList}`,
    control: `arn:aws:dynamodb:${region}:${id}:table/${tableNames.control}`,
  })
  const regionRoles = (caller: 'edge' | 'sweeper' | 'operator', id: string) =>
    plan.deviceRegions.map((it) => roleArn(it.account ?? id, names.regionRole(caller, it.region)))

  const own = plan.deviceRegions.filter((it) => it.account === undefined)
  const endpointAddresses = Object.fromEntries(
    own.map(({ region }) => [region, endpointAddressOf(region)]),
  )
  const configOf = (edge: string) =>
    $util
      .all([account, $util.output(endpointAddresses)])
      .apply(([id, addresses]) =>
        edgeConfig(edge, plan, names, { account: id, endpointAddresses: addresses, locationFile }),
      )

  const certificates =
    plan.domain === undefined ? undefined : createCertificates(plan.domain, plan.edges)
  const keys = routerKeys()
  const edges = plan.edges.map((region) =>
    createEdge(region, {
      plan,
      names,
      providers,
      account,
      config: configOf(region),
      routerKeys: keys,
      statements: account.apply((id) => edgeLambda(arnsIn(region, id), regionRoles('edge', id))),
      certificateArn: certificates?.get(region),
    }),
  )
  const [home = ''] = plan.edges
  const sweeper = createSweeper({
    plan,
    names,
    providers,
    account,
    config: configOf(home),
    statements: account.apply((id) => sweeperLambda(arnsIn(home, id), regionRoles('sweeper', id))),
  })

  // One role for people, in every edge's Region, so that they can work while one is lost.
  const operatorRole =
    plan.operators.length === 0
      ? undefined
      : assumableRole('OperatorRole', {
          name: names.operatorRole,
          trusted: plan.operators,
          externalId: names.externalId,
          statements: $util
            .all([account, sweeper.arn])
            .apply(([id, sweeperArn]) => [
              ...plan.edges.flatMap((edge) => operatorTables(arnsIn(edge, id))),
              ...operatorReach(regionRoles('operator', id), sweeperArn),
            ]),
        })

  const callers = {
    edge: edges.map((it) => it.fn.nodes.role.arn),
    sweeper: [sweeper.nodes.role.arn],
    operator: operatorRole === undefined ? [] : [operatorRole.arn],
  }
  for (const planned of own) createDeviceRegion(planned, { names, account, callers })

  const healthChecks = plan.domain === undefined ? [] : createRecords(plan.domain, edges)
  const topics = createAlarms({
    plan,
    names,
    account,
    edges,
    tables: Object.values(tableNames),
    sweeper,
    healthChecks,
  })
  new aws.cloudwatch.Dashboard('Dashboard', {
    dashboardName: `landfall-${stage}`,
    dashboardBody: $util.all(edges.map((it) => it.api.nodes.api.id)).apply((ids) =>
      dashboardBody(plan, names, {
        apiIds: Object.fromEntries(plan.edges.map((edge, index) => [edge, ids[index] ?? ''])),
        tables: Object.values(tableNames),
      }),
    ),
  })

  const edgeUrls = Object.fromEntries(edges.map((it) => [it.region, it.api.nodes.api.apiEndpoint]))
  return {
    url: plan.domain === undefined ? edges[0]?.api.url : `https://${plan.domain.name}`,
    edgeUrls,
    audience: audienceOf(plan, names),
    tables: tableNames,
    edgeRoleArns: callers.edge,
    sweeperRoleArn: sweeper.nodes.role.arn,
    regionRoles: account.apply((id) => ({
      edge: regionRoles('edge', id),
      sweeper: regionRoles('sweeper', id),
      operator: operatorRole === undefined ? [] : regionRoles('operator', id),
    })),
    operatorRoleArn: operatorRole?.arn,
    alarmTopics: topics,
    endpointAddresses,
  }
}

import type { EdgeConfig } from './edge-config.ts'
import { createLambda } from './lambda.ts'
import { type Naming, titleOf } from './names.ts'
import type { Statement } from './permissions.ts'
import type { RouterPlan } from './plan.ts'
import type { Providers } from './providers.ts'
import { routes } from './routes.ts'

export type Edge = {
  readonly region: string
  readonly fn: sst.aws.Function
  readonly api: sst.aws.ApiGatewayV2
}

/**
 * One edge: the Lambda behind an HTTP API of its own Region. The API's stage throttles before anything
 * runs, and is answered under the shared domain where the plan has one.
 */
export function createEdge(
  region: string,
  deps: {
    plan: RouterPlan
    names: Naming
    providers: Providers
    account: $util.Output<string>
    config: $util.Output<EdgeConfig>
    /** A private JWK Set. */
    routerKeys: $util.Output<string>
    statements: $util.Output<Statement[]>
    certificateArn: $util.Input<string> | undefined
  },
): Edge {
  const { plan, names, config } = deps
  const { quotas, domain } = plan
  const provider = deps.providers(region)
  const title = titleOf(region)
  const fn = createLambda(
    `Edge${title}`,
    {
      handler: 'app/edge/lambda.handler',
      description: 'Landfall: provisions devices',
      name: names.edgeLambda,
      roleName: names.edgeLambdaRole(region),
      region,
      account: deps.account,
      config,
      secrets: { LANDFALL_ROUTER_KEYS: deps.routerKeys },
      statements: deps.statements,
      locates: true,
      // Above the edge's own deadline, below the 30 seconds of an HTTP API.
      timeout: '28 seconds',
      retention: plan.logRetention,
      reserved: quotas.reservedConcurrency,
      provisioned: quotas.provisionedConcurrency,
    },
    provider,
  )
  const api = new sst.aws.ApiGatewayV2(
    `Api${title}`,
    {
      cors: false,
      accessLog: { retention: plan.logRetention },
      ...(domain === undefined || deps.certificateArn === undefined
        ? {}
        : { domain: { name: domain.name, dns: false as const, cert: deps.certificateArn } }),
      transform: {
        // Devices come by IPv6 too, and some by nothing else.
        api: (args) => {
          args.ipAddressType = 'dualstack'
        },
        domainName: (args) => {
          args.domainNameConfiguration = $util
            .output(args.domainNameConfiguration)
            .apply((it) => ({ ...it, ipAddressType: 'dualstack' }))
        },
        stage: (args) => {
          args.defaultRouteSettings = {
            throttlingRateLimit: quotas.requestsPerSecond,
            throttlingBurstLimit: quotas.burstRequests,
          }
        },
      },
    },
    { provider },
  )
  for (const route of routes) api.route(route, fn.targetArn)
  return { region, fn, api }
}

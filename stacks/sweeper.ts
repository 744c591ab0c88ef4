import type { EdgeConfig } from './edge-config.ts'
import { createLambda } from './lambda.ts'
import { type Naming, titleOf } from './names.ts'
import type { Statement } from './permissions.ts'
import type { RouterPlan } from './plan.ts'
import type { Providers } from './providers.ts'

/**
 * The sweeper, on a schedule beside the first edge. It isn't tried again: what one sweep leaves, the
 * next one does.
 */
export function createSweeper(deps: {
  plan: RouterPlan
  names: Naming
  providers: Providers
  account: $util.Output<string>
  config: $util.Output<EdgeConfig>
  statements: $util.Output<Statement[]>
}): sst.aws.Function {
  const { plan, names } = deps
  const region = plan.edges[0] ?? ''
  const provider = deps.providers(region)
  const fn = createLambda(
    'Sweeper',
    {
      handler: 'app/sweeper/lambda.handler',
      description: 'Landfall: removes what no record names',
      name: names.sweeperLambda,
      roleName: names.sweeperLambdaRole,
      region,
      account: deps.account,
      config: deps.config,
      statements: deps.statements,
      locates: false,
      timeout: '15 minutes',
      retention: plan.logRetention,
    },
    provider,
  )
  new sst.aws.CronV2(
    `Sweep${titleOf(region)}`,
    { function: fn, schedule: plan.sweep as `rate(${string})`, retries: 0 },
    { provider },
  )
  return fn
}

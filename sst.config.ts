/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  async app(input) {
    const { planOf } = await import('./stacks/stage-plan.ts')
    const plan = planOf(input.stage)
    // Devices of production hang on both.
    const kept = input.stage === 'production' || plan.kind === 'devices'
    const region = plan.kind === 'router' ? plan.edges[0] : plan.deviceRegions[0].region
    return {
      name: 'landfall',
      home: 'aws',
      removal: kept ? 'retain' : 'remove',
      protect: kept,
      providers: { aws: { region } },
    }
  },
  async run() {
    const { planOf } = await import('./stacks/stage-plan.ts')
    const plan = planOf($app.stage)
    if (plan.kind === 'devices') {
      const { deployDevices } = await import('./stacks/devices.ts')
      return deployDevices(plan)
    }
    const { deployRouter } = await import('./stacks/router.ts')
    return await deployRouter($app.stage, plan)
  },
})

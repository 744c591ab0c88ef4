/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  async app(input) {
    const { planOf } = await import('./stacks/stage-plan.ts')
    const production = input.stage === 'production'
    const plan = planOf(input.stage)
    const region = plan.kind === 'router' ? plan.edges[0] : plan.deviceRegions[0].region
    return {
      name: 'landfall',
      home: 'aws',
      removal: production ? 'retain' : 'remove',
      protect: production,
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

import { describe, expect, it } from 'vitest'
import { ConfigError, parseConfig } from '../../../app/edge/config.ts'

const deviceRegion = {
  region: 'eu-west-1',
  roleArn: 'arn:aws:iam::123456789012:role/landfall-edge-eu-west-1',
}

function problemsOf(config: unknown): readonly string[] {
  try {
    parseConfig(config)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
  }
  return []
}

describe('parseConfig', () => {
  it('needs a region and one device region, and fills in the rest', () => {
    expect(parseConfig({ region: 'eu-west-1', deviceRegions: [deviceRegion] })).toMatchObject({
      tables: { allowList: 'iot-global-provisioning', control: 'iot-global-control' },
      trustedProxies: [],
      deadlineSeconds: 20,
      leaseSeconds: 60,
      listen: { host: '127.0.0.1', port: 8080 },
    })
  })

  it('may leave its region to the environment, and goes before it', () => {
    const deviceRegions = [deviceRegion]
    expect(parseConfig({ deviceRegions }, 'us-east-1').region).toBe('us-east-1')
    expect(parseConfig({ region: 'eu-west-1', deviceRegions }, 'us-east-1').region).toBe(
      'eu-west-1',
    )
    expect(() => parseConfig(null, 'us-east-1')).toThrow(ConfigError)
  })

  it('reports every problem together, each by its path', () => {
    const problems = problemsOf({
      deviceRegions: [{ region: 'af-south-1', roleArn: 'landfall' }],
      trustedProxies: ['10.0.0.0/33'],
      leaseSeconds: -1,
      tabels: {},
    })
    for (const path of [
      'region: ',
      'deviceRegions.0.region: ',
      'deviceRegions.0.roleArn: ',
      'trustedProxies.0: ',
      'leaseSeconds: ',
      'tabels',
    ]) {
      expect(problems.some((problem) => problem.includes(path))).toBe(true)
    }
  })

  it.each([
    [null, 'it: '],
    [{ region: 'eu-west-1', deviceRegions: [] }, 'at least one region'],
    [{ region: 'eu-west-1', deviceRegions: [deviceRegion, deviceRegion] }, 'a region twice'],
    [
      { region: 'eu-west-1', deviceRegions: [deviceRegion], leaseSeconds: 10 },
      'longer than deadlineSeconds',
    ],
    [
      { region: 'eu-west-1', deviceRegions: [deviceRegion], deadlineSeconds: 40 },
      'deadlineSeconds',
    ],
    [
      { region: 'eu-west-1', deviceRegions: [deviceRegion], metricsNamespace: 'AWS/Lambda' },
      'metricsNamespace: must be 1 to 255',
    ],
  ])('refuses %j', (config, problem) => {
    expect(problemsOf(config).join('\n')).toContain(problem)
  })
})

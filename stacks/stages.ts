import type { PlanInput } from './plan.ts'

/**
 * What each stage deploys: edit here. A stage that isn't named is somebody's own: one edge, a plain
 * table, two device regions (`npx sst deploy --stage YOUR-NAME`). docs/deploying.md describes every field.
 */
export const stages: Readonly<Record<string, PlanInput>> = {
  production: {
    edges: ['eu-west-1', 'eu-central-1'],
    witness: 'eu-west-2',
    // Devices' URL, in a public hosted zone of Route 53 that this account holds.
    domain: { name: 'devices.example.com', zone: 'example.com' },
    deviceRegions: [
      { region: 'us-east-1' },
      { region: 'us-west-2' },
      { region: 'sa-east-1' },
      { region: 'eu-west-1' },
      { region: 'eu-central-1' },
      { region: 'ap-south-1' },
      { region: 'ap-southeast-1' },
      { region: 'ap-northeast-1' },
      { region: 'ap-southeast-2' },
    ],
    // Who may assume the operators' roles, e.g. 'arn:aws:iam::123456789012:role/fleet-operators'.
    operators: [],
    alarmEmails: [],
    quotas: { requestsPerSecond: 200, burstRequests: 400 },
  },
}

export const personalStage: PlanInput = {
  edges: ['eu-west-1'],
  deviceRegions: [{ region: 'eu-west-1' }, { region: 'us-east-1' }],
  quotas: { requestsPerSecond: 20, burstRequests: 40 },
  logRetention: '1 week',
}

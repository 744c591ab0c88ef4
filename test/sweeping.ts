import { parseConfig } from '../app/edge/config.ts'
import type { SweepReport } from '../app/provisioning/sweep-report.ts'
import type { SweepOptions } from '../app/provisioning/sweep-run.ts'
import { openSweeper } from '../app/sweeper/open-sweeper.ts'
import { edgeRegion, type Stage } from './stage.ts'

/** `young` certificates are swept at once; the marks of earlier sweeps count unless `since` is given. */
export type SweepSettings = Partial<SweepOptions> & {
  /** Those whose every certificate is Landfall's. */
  readonly dedicatedRegions?: readonly string[]
  readonly wanted?: readonly string[]
  readonly leaseSeconds?: number
  readonly deadlineSeconds?: number
  /** Longest wait for a connection, and for an answer. */
  readonly requestSeconds?: number
  readonly allowListTable?: string
  /** Default 1,000, as most tests have no time to keep within AWS's default quotas. */
  readonly quotaFactor?: number
  readonly signal?: AbortSignal
}

/** The configuration that a sweeper of this stage takes. */
export function sweeperConfig(stage: Stage, settings: SweepSettings = {}) {
  const { dedicatedRegions = [], leaseSeconds = 2, deadlineSeconds = 1.5 } = settings
  const { requestSeconds = 1 } = settings
  return {
    region: edgeRegion,
    tables: { allowList: settings.allowListTable ?? 'iot-global-provisioning' },
    deviceRegions: stage.aws.regions.map((it) => ({
      region: it.region,
      roleArn: it.edgeRoleArn,
      sweeperRoleArn: it.sweeperRoleArn,
      operatorRoleArn: it.operatorRoleArn,
      dedicated: dedicatedRegions.includes(it.region),
    })),
    leaseSeconds,
    deadlineSeconds,
    aws: { connectSeconds: requestSeconds, requestSeconds },
  }
}

/** One sweep in this process, over the wire, with the operator's credentials. */
export async function sweepStage(stage: Stage, settings: SweepSettings = {}): Promise<SweepReport> {
  const sweeper = openSweeper(parseConfig(sweeperConfig(stage, settings)), {
    ...(settings.wanted === undefined ? {} : { wanted: settings.wanted }),
    quotaFactor: settings.quotaFactor ?? 1000,
    clientConfig: { endpoint: stage.aws.awsEndpointUrl, credentials: stage.aws.operator },
  })
  const options = {
    olderThanSeconds: 0,
    maxDestroy: 100_000,
    dryRun: false,
    absentToo: false,
    thorough: false,
    ...settings,
  }
  if (settings.quotaFactor === undefined) {
    const body = JSON.stringify({ service: 'iot', perSecond: null })
    await fetch(`${stage.aws.controlUrl}/quotas`, { method: 'PUT', body })
  }
  try {
    const signal = settings.signal ?? AbortSignal.timeout(120_000)
    return await sweeper.run(options, { signal, onProgress: () => {} })
  } finally {
    sweeper.close()
  }
}

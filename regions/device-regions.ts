import { IoTClient } from '@aws-sdk/client-iot'
import { STSClient } from '@aws-sdk/client-sts'
import { assumeRole } from './assumed-role.ts'
import { awsHttpHandler } from './aws-http.ts'
import { type IotRegion, iotRegion } from './iot-region.ts'
import { parseRoleArn } from './role-arn.ts'
import { IotRetryStrategy, ThrottlingRetryStrategy } from './throttling-retry.ts'

/** A region that a deployment enables for devices. */
export type DeviceRegionConfig = {
  readonly region: string
  /** The role to assume for it, in whatever account it lies. */
  readonly roleArn: string
  readonly externalId?: string | undefined
  /** Its iot:Data-ATS address; read once per process where absent. */
  readonly endpointAddress?: string | undefined
}

export type DeviceRegions = {
  readonly names: readonly string[]
  find(region: string): IotRegion | undefined
  /** Readies every region at once; resolves with the errors of those that weren't to be had. */
  warm(): Promise<readonly unknown[]>
  close(): void
}

const attempts = 3

/** The adapters of all enabled regions. Roles are assumed through STS in the edge's own region. */
export function connectDeviceRegions(deps: {
  edgeRegion: string
  regions: readonly DeviceRegionConfig[]
  policyName: string
  sessionName: string
  connectSeconds: number
  requestSeconds: number
  now: () => number
}): DeviceRegions {
  const requestHandler = awsHttpHandler(deps)
  const sts = new STSClient({ region: deps.edgeRegion, requestHandler, maxAttempts: attempts })
  const closers: (() => void)[] = []

  function connect(it: DeviceRegionConfig): IotRegion {
    const role = assumeRole({
      sts,
      roleArn: it.roleArn,
      sessionName: deps.sessionName,
      now: deps.now,
      ...(it.externalId === undefined ? {} : { externalId: it.externalId }),
    })
    const shared = { region: it.region, requestHandler, credentials: role.credentials }
    const client = new IoTClient({ ...shared, retryStrategy: new IotRetryStrategy(attempts) })
    const issuingClient = new IoTClient({
      ...shared,
      retryStrategy: new ThrottlingRetryStrategy(attempts),
    })
    closers.push(role.close)
    const { partition, account } = parseRoleArn(it.roleArn)
    return iotRegion({
      region: it.region,
      partition,
      account,
      client,
      issuingClient,
      policyName: deps.policyName,
      warmCredentials: role.credentials,
      ...(it.endpointAddress === undefined ? {} : { endpointAddress: it.endpointAddress }),
    })
  }

  const byName = new Map(deps.regions.map((it) => [it.region, connect(it)]))
  return {
    names: [...byName.keys()],
    find: (region) => byName.get(region),
    async warm() {
      const results = await Promise.allSettled([...byName.values()].map((it) => it.warm()))
      return results.flatMap((it) => (it.status === 'rejected' ? [it.reason] : []))
    },
    close() {
      for (const close of closers) close()
      requestHandler.destroy()
    },
  }
}

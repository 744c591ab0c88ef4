import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { DestinationStream, Logger } from 'pino'
import { awsHttpHandler } from '../../regions/aws-http.ts'
import { connectDeviceRegions } from '../../regions/device-regions.ts'
import type { LoadedLocation } from '../../regions/load-location.ts'
import { roleSessionName } from '../../regions/role-arn.ts'
import { dynamoAllowList } from '../allowlist/dynamo-allow-list.ts'
import { readProducts } from '../products/control-table.ts'
import { cacheProducts } from '../products/product-cache.ts'
import { limitAddresses } from './address-limit.ts'
import { createApp, type EdgeDeps } from './app.ts'
import { clientAddress } from './client-address.ts'
import type { EdgeConfig } from './config.ts'
import { watchHealth } from './health.ts'
import { createLog } from './log.ts'
import { describeError } from './request-log.ts'

const longestWarmSeconds = 5

/** What only the platform can tell of a request. */
export type Platform = Pick<EdgeDeps, 'peerAddress' | 'requestId' | 'secondsLeft'>

export type Edge = {
  readonly app: ReturnType<typeof createApp>
  readonly log: Logger
  /**
   * Readies roles, endpoints and products, for some seconds at most: Lambda's init ends after ten.
   * What can't be had is logged, and tried again by requests.
   */
  warm(): Promise<void>
  close(): void
}

/**
 * One edge: the app over real clients. Credentials and endpoints come from the SDK's standard
 * environment (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID …); the app sees nothing else of where it runs.
 */
export function createEdge(
  config: EdgeConfig,
  deps: { platform: Platform; location: LoadedLocation; logTo?: DestinationStream },
): Edge {
  const now = () => Date.now()
  const log = createLog(config, deps.logTo)
  const { location } = deps
  const { source, date, warning } = location
  if (warning === undefined) log.info({ source, date }, 'location data')
  else log.warn({ source, date }, warning)
  const client = new DynamoDBClient({
    region: config.region,
    requestHandler: awsHttpHandler(config.aws),
  })
  const allowList = dynamoAllowList({ client, table: config.tables.allowList })
  const products = cacheProducts({
    read: (signal) => readProducts(client, config.tables.control, signal),
    now,
    refreshSeconds: config.productRefreshSeconds,
    timeoutSeconds: config.aws.requestSeconds,
    onProblem: (problem) => log.warn(problem),
  })
  const regions = connectDeviceRegions({
    edgeRegion: config.region,
    regions: config.deviceRegions,
    policyName: config.devicePolicyName,
    sessionName: roleSessionName(`landfall-${hostname()}-${process.pid}`),
    ...config.aws,
    now,
  })
  const app = createApp({
    ...deps.platform,
    allowList,
    products,
    regions,
    locate: location.locate,
    leaseSeconds: config.leaseSeconds,
    deadlineSeconds: config.deadlineSeconds,
    // A hanging region costs a quarter of the device's patience; the next one has the rest.
    failoverSeconds: config.deadlineSeconds / 4,
    edgeRegion: config.region,
    metricsNamespace: config.metricsNamespace,
    now,
    newAttemptId: randomUUID,
    log,
    clientAddress: clientAddress(config.trustedProxies),
    limitAddress: limitAddresses(config.addressLimit),
    isHealthy: watchHealth({ allowList, now }),
  })
  return {
    app,
    log,
    async warm() {
      const warming = Promise.all([regions.warm(), products.fresh().catch(() => {})])
      const reported = warming.then(([troubles]) => {
        for (const trouble of troubles) {
          log.warn({ error: describeError(trouble) }, 'a region is not ready')
        }
      })
      await Promise.race([reported, sleep(longestWarmSeconds * 1000, undefined, { ref: false })])
    },
    close() {
      regions.close()
      client.destroy()
    },
  }
}

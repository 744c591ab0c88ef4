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
import { publishBreakers } from '../region-status/publish-breakers.ts'
import { putBreaker, readSharedStatus } from '../region-status/status-table.ts'
import { createApp, type EdgeDeps } from './app.ts'
import { logBreaker } from './breaker-log.ts'
import { clientAddress } from './client-address.ts'
import type { EdgeConfig } from './config.ts'
import { watchHealth } from './health.ts'
import type { ControlSnapshot } from './land-device.ts'
import { createLog } from './log.ts'
import type { LandfallDeployment } from './provision-landfall-device.ts'
import { watchRegions } from './region-status.ts'
import { limitAddresses, limitThings } from './request-limits.ts'
import { describeError } from './request-log.ts'
import { countRefusals, retryAfterSeconds } from './retry-after.ts'

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
  deps: {
    platform: Platform
    location: LoadedLocation
    landfall: LandfallDeployment | undefined
    logTo?: DestinationStream
  },
): Edge {
  const now = () => Date.now()
  const log = createLog(config, deps.logTo)
  const { location } = deps
  const { source, date, warning, missing } = location
  if (missing !== undefined) log.error(`devices are not located: ${missing}`)
  else if (warning === undefined) log.info({ source, date }, 'location data')
  else log.warn({ source, date }, warning)
  const client = new DynamoDBClient({
    region: config.region,
    requestHandler: awsHttpHandler(config.aws),
  })
  const allowList = dynamoAllowList({ client, table: config.tables.allowList })
  const products = cacheProducts({
    async read(signal): Promise<ControlSnapshot> {
      const table = config.tables.control
      const [read, status] = await Promise.all([
        readProducts(client, table, signal),
        readSharedStatus({ client, table, signal }, config.region),
      ])
      return { ...read, status, problems: [...read.problems, ...status.problems] }
    },
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
  const place = { edgeRegion: config.region, metricsNamespace: config.metricsNamespace }
  const publish = publishBreakers({
    put: (breaker, signal) => putBreaker({ client, table: config.tables.control, signal }, breaker),
    timeoutSeconds: config.aws.requestSeconds,
    onProblem: (region, error) =>
      log.warn({ region, error: describeError(error) }, 'a breaker could not be published'),
  })
  const regionStatus = watchRegions({
    regions: regions.names,
    failures: config.breakerFailures,
    now,
    random: Math.random,
    onChange(change) {
      logBreaker(log, place, change)
      if (!change.own) return
      const { region, own: _own, ...breaker } = change
      publish({ edge: config.region, region, breaker })
    },
  })
  const refusals = countRefusals(now)
  const app = createApp({
    ...deps.platform,
    ...place,
    allowList,
    products,
    regions,
    locate: location.locate,
    locating: missing === undefined,
    leaseSeconds: config.leaseSeconds,
    deadlineSeconds: config.deadlineSeconds,
    // A hanging region costs a quarter of the device's patience; the next one has the rest.
    failoverSeconds: config.deadlineSeconds / 4,
    now,
    newAttemptId: randomUUID,
    by: `edge ${config.region}`,
    log,
    clientAddress: clientAddress(config.trustedProxies),
    limitAddress: limitAddresses(config.addressLimit),
    limitThing: limitThings(config.thingLimit),
    landfall: deps.landfall,
    isHealthy: watchHealth({ allowList, now }),
    regionStatus,
    waitFor(causes) {
      const backlog = Math.min(...causes.map((it) => refusals.add(it)))
      const notBefore = Math.min(...causes.map((it) => regionStatus.msUntilTried(it)))
      return retryAfterSeconds({ backlog, notBeforeSeconds: notBefore / 1000 }, Math.random())
    },
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

import { randomBytes, randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { findRegion } from '../regions/catalogue.ts'
import { createCallLog } from './calls.ts'
import { createControl } from './control.ts'
import { type AccessKey, createCredentials, makeAccessKey } from './credentials.ts'
import { createDynamoDb } from './dynamodb.ts'
import { createFaults } from './faults.ts'
import { openFolder, type State } from './folder.ts'
import { type Log, startGateway } from './gateway.ts'
import { edgeRoleArn, operatorRoleArn, sweeperRoleArn } from './identity.ts'
import { startIot } from './instance.ts'
import type { IotOptions } from './iot/iot.ts'
import { closeServer, isAddressInUse, listen } from './listen.ts'
import { LocalAwsError } from './local-aws-error.ts'
import { createNamingRecords } from './naming-records.ts'
import { createQuotas } from './quotas.ts'
import type { Service } from './service.ts'
import { createSts } from './sts.ts'
import { addWatchRoutes } from './watch-routes.ts'

export type LocalAwsOptions = {
  /** What is kept over restarts. Without it everything is in memory and gone at the end. */
  readonly dataFolder?: string
  /** N of the endpoint addresses 127.N.r.1, 1 to 254; default: the folder's last, else the first free. */
  readonly instance?: number
  /** Of the AWS endpoint; default: the folder's last, else a free one. */
  readonly port?: number
  /** The device regions, at least one, each from the catalogue. */
  readonly regions: readonly string[]
  /** 12 digits; default: the folder's, made up at first. */
  readonly accountId?: string
  readonly log?: Log
  /** Takes what the brokers refused and why; by default a JSON line on stderr. */
  readonly mqttLog?: NonNullable<IotOptions['log']>
  /** Takes each broken invariant (watch.ts); by default a JSON line on stderr. */
  readonly violationLog?: NonNullable<IotOptions['violationLog']>
}

export type LocalAwsRegion = {
  readonly region: string
  /** A loopback address of its own, as IoT's endpoint is in each region. */
  readonly endpointAddress: string
  readonly mqttPort: number
  readonly edgeRoleArn: string
  readonly sweeperRoleArn: string
  readonly operatorRoleArn: string
}

/** AWS on this machine, running. */
export type LocalAws = {
  readonly awsEndpointUrl: string
  /** Calls, faults and quotas: control.ts. Violations and identities: watch-routes.ts. */
  readonly controlUrl: string
  readonly accountId: string
  readonly instance: number
  /** The root that devices trust, in PEM, and its file where a folder is kept. */
  readonly caPem: string
  readonly caFile?: string
  /** May do everything. */
  readonly operator: AccessKey
  /** May do what an edge does: see identity.ts. */
  readonly edge: AccessKey
  readonly regions: readonly LocalAwsRegion[]
  /** Finishes what is under way, keeps the state and lets the folder go. */
  close(): Promise<void>
}

/**
 * Starts DynamoDB, STS and AWS IoT with its brokers over AWS's wire. Throws LocalAwsError where an
 * option is wrong, the folder is in use, or an address that the folder's devices remember is taken.
 */
export async function startLocalAws(options: LocalAwsOptions): Promise<LocalAws> {
  checkOptions(options)
  const folder = options.dataFolder === undefined ? undefined : openFolder(options.dataFolder)
  /** Undone in reverse: at a failed start, and by close(). */
  const opened: (() => Promise<void> | void)[] = folder ? [() => folder.release()] : []
  const close = async () => {
    const failures: unknown[] = []
    for (const undo of opened.splice(0).reverse()) {
      try {
        await undo()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'AWS on this machine did not stop')
  }
  try {
    const started = await start(options, folder, opened)
    return { ...started, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function start(
  options: LocalAwsOptions,
  folder: ReturnType<typeof openFolder> | undefined,
  opened: (() => Promise<void> | void)[],
): Promise<Omit<LocalAws, 'close'>> {
  const kept = folder?.state
  const accountId = chooseAccount(options, kept)
  const { regions } = options
  const keptRegions = [...new Set([...(kept?.regions ?? []), ...regions])]
  const operator = kept?.operator ?? makeAccessKey()
  const edge = kept?.edge ?? makeAccessKey()
  const sessionSecret = kept?.sessionSecret ?? randomBytes(32).toString('base64')
  const credentials = createCredentials({
    operator,
    edge,
    sessionSecret: Buffer.from(sessionSecret, 'base64'),
  })

  const dynamoDb = await createDynamoDb({
    ...(folder ? { folder: join(folder.path, 'dynamodb') } : {}),
    accountId,
  })
  opened.push(() => dynamoDb.close())
  const naming = createNamingRecords(dynamoDb.ask, folder !== undefined)
  const { iot, instance, addressOf } = await startIot({
    ...(folder ? { folder: join(folder.path, 'iot') } : {}),
    accountId,
    regions,
    keptRegions,
    instance: options.instance ?? kept?.instance,
    findNaming: naming.find,
    ...(options.mqttLog === undefined ? {} : { log: options.mqttLog }),
    ...(options.violationLog === undefined ? {} : { violationLog: options.violationLog }),
  })
  opened.push(() => iot.close())

  const now = Date.now
  const calls = createCallLog()
  const faults = createFaults(Math.random)
  const quotas = createQuotas()
  const services = new Map<string, Service>([
    ['dynamodb', naming.listeningTo(dynamoDb.service)],
    ['sts', createSts({ accountId, regions, credentials, now })],
    ['iot', iot.service],
  ])
  const gateway = await onPort(options.port ?? kept?.port, (port) =>
    startGateway(
      {
        accountId,
        services,
        regions: new Set(regions),
        credentials,
        quotas,
        faults,
        calls,
        now,
        log: options.log ?? (() => undefined),
      },
      port,
    ),
  )
  opened.push(() => gateway.close())
  const routes = addWatchRoutes(createControl({ calls, faults, quotas }), iot)
  const control = createServer(getRequestListener(routes.fetch))
  const controlPort = await onPort(kept?.controlPort, (port) => listen(control, '127.0.0.1', port))
  opened.push(() => closeServer(control))

  folder?.save({
    version: 1,
    accountId,
    instance,
    port: gateway.port,
    controlPort,
    regions: keptRegions,
    operator,
    edge,
    sessionSecret,
  })
  const caFile = folder && join(folder.path, 'ca.pem')
  if (caFile !== undefined) writeFileSync(caFile, iot.caPem)
  return {
    awsEndpointUrl: `http://127.0.0.1:${gateway.port}`,
    controlUrl: `http://127.0.0.1:${controlPort}`,
    accountId,
    instance,
    caPem: iot.caPem,
    ...(caFile === undefined ? {} : { caFile }),
    operator,
    edge,
    regions: regions.map((region) => ({
      region,
      endpointAddress: addressOf(region),
      mqttPort: iot.mqttPort,
      edgeRoleArn: edgeRoleArn(accountId, region),
      sweeperRoleArn: sweeperRoleArn(accountId, region),
      operatorRoleArn: operatorRoleArn(accountId, region),
    })),
  }
}

function checkOptions({ accountId, instance, port, regions }: LocalAwsOptions): void {
  const unknown = regions.filter((region) => !findRegion(region))
  const bad = (message: string, hint: string) => new LocalAwsError('bad-option', message, hint)
  if (regions.length === 0) throw bad('no regions', 'name at least one region')
  if (unknown.length > 0) {
    throw bad(
      `no AWS IoT Core in ${unknown.join(', ')}`,
      "name regions of AWS IoT Core's list, such as eu-west-1",
    )
  }
  if (new Set(regions).size < regions.length) throw bad('a region twice', 'name each region once')
  if (accountId !== undefined && !/^\d{12}$/.test(accountId)) {
    throw bad(`no account id: ${accountId}`, 'an account id has 12 digits')
  }
  if (instance !== undefined && !(Number.isInteger(instance) && instance >= 1 && instance <= 254)) {
    throw bad(`no instance: ${instance}`, 'an instance is a number from 1 to 254')
  }
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    throw bad(`no port: ${port}`, 'a port is a number from 1 to 65535')
  }
}

function chooseAccount(options: LocalAwsOptions, kept: State | undefined): string {
  const { accountId } = options
  if (kept && accountId !== undefined && accountId !== kept.accountId) {
    throw new LocalAwsError(
      'bad-option',
      `the folder belongs to the account ${kept.accountId}, not ${accountId}`,
      'leave the account out, or give another folder',
    )
  }
  return accountId ?? kept?.accountId ?? String(randomInt(100_000_000_000, 1_000_000_000_000))
}

/**
 * Binds the wanted port, or without a wish one from 20000 to 29999: below the range from which
 * systems number outgoing connections, so that it is most likely free again at the next start.
 */
async function onPort<Bound>(
  wanted: number | undefined,
  bind: (port: number) => Promise<Bound>,
): Promise<Bound> {
  for (let attempt = 1; ; attempt += 1) {
    const port = wanted ?? randomInt(20_000, 30_000)
    try {
      return await bind(port)
    } catch (error) {
      if (!isAddressInUse(error) || (wanted === undefined && attempt >= 50)) throw error
      if (wanted === undefined) continue
      throw new LocalAwsError(
        'address-taken',
        `the port ${wanted} is in use`,
        'stop what uses it, or give another port',
        { cause: error },
      )
    }
  }
}

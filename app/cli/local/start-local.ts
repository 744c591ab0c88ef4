import { randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type LocalAws, startLocalAws } from '../../../local/aws.ts'
import { LocalAwsError } from '../../../local/local-aws-error.ts'
import { createTables } from '../../allowlist/tables.ts'
import { type EdgeConfig, parseConfig } from '../../edge/config.ts'
import { landfallPaths } from '../../edge/landfall-routes.ts'
import { seedPath } from '../../edge/seed-route.ts'
import { readProducts } from '../../products/control-table.ts'
import { type Product, productSchema, type Signer } from '../../products/product.ts'
import { applyProduct, findProduct } from '../../products/product-store.ts'
import { defaultProductName } from '../../provisioning/device-record.ts'
import { CommandFailure, errorMessage, findErrorCode } from '../failure.ts'
import { findText, writeWhole } from '../whole-file.ts'
import { type EdgeProcess, startEdge } from './edge-process.ts'
import { edgeLogName, type LocalJson } from './local-json.ts'
import { keepJwks, openFleetKey, openLandfallKey } from './local-keys.ts'

/** Regions on five continents (Africa has no AWS IoT); the first is the default region. */
export const defaultRegions: readonly string[] = [
  'eu-west-1',
  'eu-central-1',
  'us-east-1',
  'us-west-2',
  'sa-east-1',
  'ap-south-1',
  'ap-southeast-1',
  'ap-southeast-2',
  'ap-northeast-1',
]

export const tables = { allowList: 'iot-global-provisioning', control: 'iot-global-control' }
const dynamodbRegion = 'eu-west-1'

export type StartLocalOptions = {
  readonly dataFolder: string
  /** Default: the folder's last ones, else `defaultRegions`. */
  readonly regions?: readonly string[]
  readonly instance?: number
  /** Of the AWS endpoint. */
  readonly port?: number
  readonly edgePort?: number
  /** The edge's location table; default: none, so geoip-lite's data. */
  readonly locationFile?: string
  /** Called as each step begins; `localSteps` of them. */
  readonly onStep?: (text: string) => void
  /** A line about what AWS on this machine refused or failed at. */
  readonly onNotice?: (line: string) => void
}

export const localSteps = 3

const broken = {
  I1: 'Broken: two identities are live for',
  K1: 'Broken: a certificate was deactivated that the record names, for',
} as const

export type Local = {
  readonly json: LocalJson
  readonly jsonFile: string
  /** Resolves with why, should the edge end by itself. */
  readonly edgeDied: Promise<string>
  /** The edge first, then AWS. */
  close(): Promise<void>
}

/**
 * Landfall on one machine: AWS in this process, the edge as a child process, both tables, the default
 * product and the fleet's signing keys, and local.json once all of it answers. Everything is kept in
 * the data folder. Throws CommandFailure, and leaves nothing running then.
 */
export async function startLocal(options: StartLocalOptions): Promise<Local> {
  const folder = resolve(options.dataFolder)
  const jsonFile = join(folder, 'local.json')
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new CommandFailure(`the data folder ${folder} can't be made`, {
      hint: 'give a folder that you may write to with --data',
      cause,
    })
  })
  const edgeConfigFile = join(folder, 'edge.json')
  const last = await findEdgeConfig(edgeConfigFile)
  const regions = options.regions ?? last?.deviceRegions.map((it) => it.region) ?? defaultRegions

  options.onStep?.(`AWS in ${regions.length} regions`)
  const aws = await startAws(options, regions, join(folder, 'aws'))
  let edge: EdgeProcess | undefined
  try {
    options.onStep?.('tables and default product')
    const signingKeyFile = join(folder, 'fleet.key.pem')
    const landfallKeyFile = join(folder, 'landfall.keys.json')
    const routerKeysFile = join(folder, 'router.keys.json')
    await prepareTables(aws, [
      await openFleetKey(signingKeyFile),
      ...(await openLandfallKey(landfallKeyFile)),
    ])
    await keepJwks(routerKeysFile)

    options.onStep?.('the edge')
    const edgePort = options.edgePort ?? last?.listen.port ?? (await findFreePort())
    // Not its URL: another --edge-port makes no other deployment.
    const audience = `landfall-local-${aws.accountId}`
    const config = {
      ...edgeConfig(aws, edgePort, options.locationFile),
      audience,
      routerKeysFile,
    }
    await writeWhole(edgeConfigFile, `${JSON.stringify(config, null, 2)}\n`)
    edge = await startEdge({
      configFile: edgeConfigFile,
      logFile: join(folder, edgeLogName),
      awsEndpointUrl: aws.awsEndpointUrl,
      region: dynamodbRegion,
      accessKey: aws.edge,
    })
    const json: LocalJson = {
      provisionUrl: `${edge.url}${seedPath}`,
      landfallUrl: `${edge.url}${landfallPaths.provision}`,
      audience,
      awsEndpointUrl: aws.awsEndpointUrl,
      controlUrl: aws.controlUrl,
      accountId: aws.accountId,
      dynamodbRegion,
      ...aws.operator,
      edgeAccessKeyId: aws.edge.accessKeyId,
      edgeSecretAccessKey: aws.edge.secretAccessKey,
      caFile: aws.caFile ?? '',
      signingKeyFile,
      landfallKeyFile,
      allowListTable: tables.allowList,
      controlTable: tables.control,
      edgeConfigFile,
      instance: aws.instance,
      regions: aws.regions.map(({ region, endpointAddress, mqttPort }) => ({
        region,
        endpointAddress,
        mqttPort,
      })),
    }
    await writeWhole(jsonFile, `${JSON.stringify(json, null, 2)}\n`, 0o600)
    const running = edge
    return {
      json,
      jsonFile,
      edgeDied: running.died,
      async close() {
        await running.stop()
        await aws.close()
      },
    }
  } catch (error) {
    await edge?.stop()
    await aws.close()
    throw error
  }
}

async function startAws(
  options: StartLocalOptions,
  regions: readonly string[],
  dataFolder: string,
): Promise<LocalAws> {
  try {
    return await startLocalAws({
      dataFolder,
      regions,
      ...(options.instance === undefined ? {} : { instance: options.instance }),
      ...(options.port === undefined ? {} : { port: options.port }),
      log: ({ message, error }) => options.onNotice?.(`AWS: ${message}: ${errorMessage(error)}`),
      violationLog: ({ invariant, thingName, operation, region }) =>
        options.onNotice?.(`${broken[invariant]} ${thingName} (${operation} in ${region})`),
      mqttLog: ({ region, clientId, reason }) =>
        options.onNotice?.(`MQTT in ${region} refused ${clientId ?? 'a client'}: ${reason}`),
    })
  } catch (error) {
    if (!(error instanceof LocalAwsError)) throw error
    const kind = error.code === 'bad-option' ? 'misuse' : 'failed'
    throw new CommandFailure(error.message, { kind, hint: error.hint, cause: error })
  }
}

/** Both tables, and the default product with these signers among its own. */
async function prepareTables(aws: LocalAws, signers: readonly Signer[]): Promise<void> {
  const client = new DynamoDBClient({
    endpoint: aws.awsEndpointUrl,
    region: dynamodbRegion,
    // A copy: the SDK writes into what it is given.
    credentials: { ...aws.operator },
  })
  const apply = async (product: Product) => {
    const control = { client, table: tables.control, signal: AbortSignal.timeout(10_000) }
    await applyProduct(control, {
      product,
      seen: await findProduct(control, product.name),
      appliedBy: 'landfall local',
      now: Date.now(),
      applyId: randomUUID(),
    })
  }
  try {
    await createTables(client, tables)
    const { products } = await readProducts(client, tables.control, AbortSignal.timeout(10_000))
    const product = products.get(defaultProductName)
    const enabled = aws.regions.map((it) => it.region)
    const first = enabled[0] ?? ''
    if (product === undefined) {
      const made = {
        name: defaultProductName,
        signers,
        regionPolicy: { defaultRegion: first },
      }
      await apply(productSchema.parse(made))
      return
    }
    if (!enabled.includes(product.regionPolicy.defaultRegion)) {
      const missing = product.regionPolicy.defaultRegion
      throw new CommandFailure(`the default product’s default region ${missing} isn’t enabled`, {
        hint: `name ${missing} in --regions, or give another folder with --data`,
      })
    }
    const known = new Set(product.signers.map((it) => it.kid))
    const missing = signers.filter((it) => !known.has(it.kid))
    if (missing.length > 0) {
      await apply({ ...product, signers: [...product.signers, ...missing] })
    }
  } finally {
    client.destroy()
  }
}

/** The folder's last configuration: devices remember its port, and its regions go on. */
async function findEdgeConfig(path: string): Promise<EdgeConfig | undefined> {
  const text = await findText(path)
  if (text === undefined) return undefined
  try {
    return parseConfig(JSON.parse(text))
  } catch (cause) {
    throw new CommandFailure(`${path} is no configuration that this version wrote`, {
      hint: 'give another folder with --data, or remove the file',
      cause,
    })
  }
}

/** What the edge is told: it trusts this machine as a proxy, so a device's address can be given. */
function edgeConfig(aws: LocalAws, port: number, locationFile: string | undefined) {
  return {
    ...(locationFile === undefined ? {} : { locationFile }),
    region: dynamodbRegion,
    tables,
    deviceRegions: aws.regions.map((it) => ({
      region: it.region,
      roleArn: it.edgeRoleArn,
      endpointAddress: it.endpointAddress,
      sweeperRoleArn: it.sweeperRoleArn,
      operatorRoleArn: it.operatorRoleArn,
      // The account was made up for this fleet alone.
      dedicated: true,
    })),
    trustedProxies: ['127.0.0.0/8', '::1/128'],
    listen: { host: '127.0.0.1', port },
  }
}

/**
 * A free port from 20000 to 29999: below the range from which systems number outgoing connections,
 * so that it is most likely free again at the next start.
 */
async function findFreePort(): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = randomInt(20_000, 30_000)
    const server = createServer()
    try {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      return port
    } catch (error) {
      if (findErrorCode(error) !== 'EADDRINUSE' || attempt >= 50) throw error
    } finally {
      server.close()
    }
  }
}

// One stand-in with its table, edges and operator, as every test that needs AWS is given it.

import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { IoTClient } from '@aws-sdk/client-iot'
import { parseRow } from '../app/allowlist/device-row.ts'
import { dynamoAllowList } from '../app/allowlist/dynamo-allow-list.ts'
import { createTables } from '../app/allowlist/tables.ts'
import { putProduct } from '../app/products/control-table.ts'
import { productSchema } from '../app/products/product.ts'
import { allowedDevice } from '../app/provisioning/device-record.ts'
import { type LocalAws, type LocalAwsOptions, startLocalAws } from '../local/aws.ts'
import type { AccessKey } from '../local/credentials.ts'
import type { Identities } from '../local/iot/identities.ts'
import { findLeaks } from './find-leaks.ts'
import { audience } from './landfall-request.ts'

/** For tests that let a region fail device after device, and whose subject isn't what edges make of that. */
export const noBreaker = { breakerFailures: 1_000_000 }

/** Public addresses that geoip-lite 2 as installed places near Dublin, New York and Tokyo. */
export const addresses = { dublin: '134.226.1.1', newYork: '128.59.1.1', tokyo: '133.11.1.1' }
export const edgeRegion = 'eu-west-1'
const allowListTable = 'iot-global-provisioning'
const controlTable = 'iot-global-control'

export type Call = {
  service: string
  region: string
  operation: string
  /** An ARN, or `*`. */
  resource: string
  status: number
  caller: string
  /** Milliseconds since 1970, as `endedAt`. */
  startedAt: number
  endedAt: number
}
export type Answer = { status: number; retryAfter: string | null; body: Record<string, unknown> }

/**
 * AWS on one machine with a fleet key and a default product, and real edge processes in front of it.
 * Whatever any of them logs is searched for keys, signatures and tokens; `close` throws where one stood.
 */
export type Stage = {
  readonly aws: LocalAws
  readonly dynamoDb: DynamoDBClient
  readonly signingKey: KeyObject
  iot(region: string): IoTClient
  allow(...thingNames: string[]): Promise<void>
  /** A device with more than a name: its own key, say. */
  allowDevice(thingName: string, given: Parameters<typeof allowedDevice>[2]): Promise<void>
  /** Members of the default product, for edges that look afterwards (they do every five seconds). */
  changeProduct(change: Record<string, unknown>): Promise<void>
  /** The default product's region policy, for edges that start afterwards; without one: as at first. */
  setRegionPolicy(regionPolicy?: Record<string, unknown>): Promise<void>
  row(thingName: string): Promise<ReturnType<typeof parseRow> | undefined>
  /** `skewSeconds`: how far its clock is ahead. */
  startEdge(settings?: Record<string, unknown>, skewSeconds?: number): Promise<EdgeProcess>
  /** AWS calls since the last `clearCalls`, in their order. */
  calls(): Promise<Call[]>
  clearCalls(): Promise<void>
  /** Plants a fault (local/faults.ts). */
  fault(fault: Record<string, unknown>): Promise<void>
  /** Lifts every quota of AWS IoT, for tests whose subject isn't throttling. */
  liftQuotas(): Promise<void>
  /** All of them, or those of one region. */
  clearFaults(region?: string): Promise<void>
  /** Resolves once a planted fault has fired in this region. */
  faultFired(region: string): Promise<void>
  /** What the watcher saw (local/watch.ts), and what stands in every region (local/iot/identities.ts). */
  violations(): Promise<unknown[]>
  identities(): Promise<Identities>
  /** Lets clients made in this process find AWS as the SDK does, until the stage is closed. */
  enterAws(accessKey: AccessKey): void
  close(): Promise<void>
}

type Fault = { id: string; region?: string; fired: number }

export type EdgeProcess = {
  readonly url: string
  readonly child: ChildProcess
  /** The lines of its log, parsed. */
  readonly log: Record<string, unknown>[]
  post(body: unknown, address?: string): Promise<Answer>
  /** Resolves once its log has this message. */
  logged(message: string): Promise<void>
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export async function setStage(
  regions: readonly string[] = ['eu-west-1', 'us-east-1', 'ap-northeast-1'],
  redeliverSeconds = 0,
  localAws: Omit<LocalAwsOptions, 'regions'> = {},
): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'landfall-test-'))
  const secrets: string[] = []
  const leaks: string[] = []
  const scan = (source: string, text: string) =>
    void leaks.push(...findLeaks(text, secrets).map((what) => `${source} logged ${what}`))
  const aws = await startLocalAws({
    log: (entry) => scan('the stand-in', JSON.stringify(entry)),
    ...localAws,
    regions,
  })
  const access = { endpoint: aws.awsEndpointUrl, credentials: aws.operator }
  const dynamoDb = new DynamoDBClient({ ...access, region: edgeRegion })
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  await createTables(dynamoDb, { allowList: allowListTable, control: controlTable })
  const { kty, n, e } = pair.publicKey.export({ format: 'jwk' })
  const product = productSchema.parse({
    name: 'default',
    signers: [{ kid: 'fleet', contracts: ['seed'], jwk: { kty, n, e } }],
    regionPolicy: { defaultRegion: edgeRegion },
    reprovisioning: { redeliverSeconds },
  })
  await putProduct(dynamoDb, controlTable, product)
  const routerKeysFile = join(folder, 'router.keys.json')
  const routerKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const routerKeys = { keys: [routerKey.export({ format: 'jwk' })] }
  await writeFile(routerKeysFile, JSON.stringify(routerKeys), { mode: 0o600 })
  secrets.push(
    aws.edge.secretAccessKey,
    aws.operator.secretAccessKey,
    ...routerKeys.keys.flatMap(({ d = '' }) => d),
  )
  const edges: EdgeProcess[] = []
  let started = 0
  let leaveAws = () => {}
  const allowList = dynamoAllowList({ client: dynamoDb, table: allowListTable })
  const control = (method: string, path: string, body?: unknown) =>
    fetch(`${aws.controlUrl}${path}`, { method, body: body ? JSON.stringify(body) : null })
  const listFaults = async () =>
    ((await (await control('GET', '/faults')).json()) as { faults: Fault[] }).faults
  // The tests' own audits read far more than a region's quotas for listing allow.
  for (const operation of ['ListCertificates', 'ListPrincipalThings', 'ListAttachedPolicies']) {
    await control('PUT', '/quotas', { operation, perSecond: 100_000 })
  }

  return {
    aws,
    dynamoDb,
    signingKey: pair.privateKey,
    iot: (region) => new IoTClient({ ...access, region }),
    async allow(...thingNames) {
      const signal = AbortSignal.timeout(10_000)
      for (const name of thingNames) await allowList.add(allowedDevice(name, Date.now()), signal)
    },
    async allowDevice(thingName, given) {
      const record = allowedDevice(thingName, Date.now(), given)
      await allowList.add(record, AbortSignal.timeout(10_000))
    },
    async changeProduct(change) {
      await putProduct(dynamoDb, controlTable, productSchema.parse({ ...product, ...change }))
    },
    async setRegionPolicy(regionPolicy = product.regionPolicy) {
      await putProduct(dynamoDb, controlTable, productSchema.parse({ ...product, regionPolicy }))
    },
    async row(thingName) {
      const { Item } = await dynamoDb.send(
        new GetItemCommand({ TableName: allowListTable, Key: { thing_name: { S: thingName } } }),
      )
      return Item && parseRow(Item)
    },
    async startEdge(settings = {}, skewSeconds = 0) {
      const config = {
        region: edgeRegion,
        deviceRegions: aws.regions.map(({ region, edgeRoleArn, endpointAddress }) => ({
          region,
          roleArn: edgeRoleArn,
          endpointAddress,
        })),
        trustedProxies: ['127.0.0.0/8'],
        addressLimit: { requests: 100_000, perSeconds: 1 },
        thingLimit: { requests: 100_000, perSeconds: 1 },
        audience,
        routerKeysFile,
        listen: { port: 0 },
        ...settings,
      }
      // Counted at once: edges that start together each have a file of their own.
      started += 1
      const file = join(folder, `edge-${started}.json`)
      const edge = await spawnEdge(aws, file, config, skewSeconds, (line) => scan('an edge', line))
      edges.push(edge)
      return edge
    },
    async calls() {
      const { calls } = (await (await control('GET', '/calls')).json()) as { calls: Call[] }
      return calls
    },
    async clearCalls() {
      await control('DELETE', '/calls')
    },
    async fault(fault) {
      const answer = await control('POST', '/faults', fault)
      if (!answer.ok) throw new Error(await answer.text())
    },
    async liftQuotas() {
      await control('PUT', '/quotas', { perSecond: null })
    },
    async clearFaults(region) {
      if (region === undefined) await control('DELETE', '/faults')
      for (const fault of await listFaults()) {
        if (fault.region === region) await control('DELETE', `/faults/${fault.id}`)
      }
    },
    async faultFired(region) {
      const giveUpAt = Date.now() + 15_000
      while (Date.now() < giveUpAt) {
        const faults = await listFaults()
        if (faults.some((fault) => fault.region === region && fault.fired > 0)) return
        await sleep(10)
      }
      throw new Error(`no fault fired in ${region}`)
    },
    async violations() {
      const answer = await control('GET', '/violations')
      return ((await answer.json()) as { violations: unknown[] }).violations
    },
    async identities() {
      return (await (await control('GET', '/identities')).json()) as Identities
    },
    enterAws(accessKey) {
      leaveAws = setEnvironment({
        AWS_ENDPOINT_URL: aws.awsEndpointUrl,
        AWS_ACCESS_KEY_ID: accessKey.accessKeyId,
        AWS_SECRET_ACCESS_KEY: accessKey.secretAccessKey,
      })
    },
    async close() {
      leaveAws()
      await Promise.all(edges.map((edge) => edge.stop()))
      scan('the list of calls', await (await control('GET', '/calls')).text())
      dynamoDb.destroy()
      await aws.close()
      await rm(folder, { recursive: true, force: true })
      if (leaks.length > 0) throw new Error([...new Set(leaks)].join('; '))
    },
  }
}

/** Returns what puts back what was there: other test files run in this process later. */
function setEnvironment(variables: Record<string, string>): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
  Object.assign(process.env, variables)
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}

async function spawnEdge(
  aws: LocalAws,
  file: string,
  config: unknown,
  skewSeconds: number,
  scan: (line: string) => void,
): Promise<EdgeProcess> {
  await writeFile(file, JSON.stringify(config))
  const entry =
    skewSeconds === 0 ? ['app/edge/server.ts'] : ['test/skewed-edge.ts', String(skewSeconds)]
  const child = spawn(process.execPath, [...entry, '--config', file], {
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      AWS_ENDPOINT_URL: aws.awsEndpointUrl,
      AWS_ACCESS_KEY_ID: aws.edge.accessKeyId,
      AWS_SECRET_ACCESS_KEY: aws.edge.secretAccessKey,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const log: Record<string, unknown>[] = []
  if (child.stdout === null || child.stderr === null) throw new Error('the edge has no output')
  createInterface(child.stdout).on('line', (line) => {
    scan(line)
    log.push(JSON.parse(line))
  })
  createInterface(child.stderr).on('line', (line) => {
    scan(line)
    process.stderr.write(`${line}\n`)
  })
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`the edge ended with ${code}`)
    }),
  ])
  const url: string = message.listening
  return {
    url,
    child,
    log,
    post: (body, address = addresses.dublin) => post(url, body, address),
    async logged(message) {
      const giveUpAt = Date.now() + 15_000
      while (!log.some((line) => line.msg === message)) {
        if (Date.now() > giveUpAt) throw new Error(`the edge never logged: ${message}`)
        await sleep(10)
      }
    },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      const ended = once(child, 'exit')
      child.kill(signal)
      const [code] = await ended
      return code
    },
  }
}

async function post(url: string, body: unknown, address: string): Promise<Answer> {
  const answer = await fetch(`${url}/device-provisioning`, {
    method: 'POST',
    headers: { 'X-Forwarded-For': address },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const members = (await answer.json()) as Record<string, unknown>
  return { status: answer.status, retryAfter: answer.headers.get('Retry-After'), body: members }
}

/** A request of the seed contract, signed with the fleet's key. */
export function signedRequest(stage: Stage, thingName: string, csr?: string) {
  const signature = sign('sha256', Buffer.from(thingName), stage.signingKey).toString('base64')
  return { 'thing-name': thingName, 'thing-name-sig': signature, ...(csr ? { CSR: csr } : {}) }
}

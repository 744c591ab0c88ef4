import { createPrivateKey } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { IoTClient } from '@aws-sdk/client-iot'
import { type DynamoAllowList, dynamoAllowList } from '../../allowlist/dynamo-allow-list.ts'
import { allowedDevice } from '../../provisioning/device-record.ts'
import { CommandFailure } from '../failure.ts'
import { findLocationTable } from '../geo/location-source.ts'
import { getSigningKey, readKeyFile } from '../keys/key-file.ts'
import type { LocalJson } from '../local/local-json.ts'
import { defaultRegions, type Local, localSteps, startLocal } from '../local/start-local.ts'
import type { CommandContext } from '../program.ts'
import type { Progress } from '../terminal.ts'
import type { DemoFlags } from './command.ts'
import { fleet } from './fleet.ts'
import { type Observer, startObserver } from './observer.ts'
import { type DemoResult, type DemoWorld, runDemoDevice } from './one-device.ts'
import { reportDemo } from './report.ts'

const DEMO_SECONDS = 55

/** `landfall demo`: the whole way on real protocols, checked from outside at every step. */
export async function runDemo(flags: DemoFlags, context: CommandContext): Promise<void> {
  const { terminal } = context
  const startedAt = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'landfall-demo-'))
  const locationFile = await findLocationTable(terminal)
  const progress = terminal.progress(localSteps + 2 + fleet.length)
  const timeout = AbortSignal.timeout(DEMO_SECONDS * 1000)
  const signal = AbortSignal.any([context.signal, timeout])
  let results: readonly DemoResult[]
  try {
    results = await play(folder, locationFile, progress, signal)
  } catch (error) {
    if (context.signal.aborted) throw new CommandFailure('interrupted', { cause: error })
    throw error
  } finally {
    progress.finish()
    if (flags.keep !== true) await rm(folder, { recursive: true, force: true })
  }
  if (context.signal.aborted) throw new CommandFailure('interrupted')
  if (timeout.aborted) {
    throw new CommandFailure(`the demo wasn’t done within ${DEMO_SECONDS} s`, {
      hint: 'is this machine very busy? Try again',
    })
  }
  const seconds = (performance.now() - startedAt) / 1000
  reportDemo(results, { seconds, terminal, json: flags.json === true })
  if (flags.keep === true) terminal.note(`Kept: npx landfall local --data ${join(folder, 'local')}`)
  const failed = results.filter((it) => it.problems.length > 0)
  if (failed.length > 0) {
    const sentences = failed.map((it) => `${it.device} ${it.problems.join(' and ')}`)
    throw new CommandFailure(sentences.join('; '), {
      hint: 'npx landfall demo --keep keeps the edge’s log, local/edge.log',
    })
  }
}

async function play(
  folder: string,
  locationFile: string | undefined,
  progress: Progress,
  signal: AbortSignal,
): Promise<readonly DemoResult[]> {
  const ended = new AbortController()
  const local = await startLocal({
    dataFolder: join(folder, 'local'),
    regions: defaultRegions,
    ...(locationFile === undefined ? {} : { locationFile }),
    onStep: (text) => progress.step(`Starting ${text} …`),
    // The forged and the unknown device never come as far as MQTT, so any refusal is a failure shown below.
    onNotice: () => {},
  })
  const { json } = local
  const observers: Observer[] = []
  const dynamodb = new DynamoDBClient({ ...clientConfig(json), region: json.dynamodbRegion })
  try {
    progress.step('Subscribing in every region …')
    const caPem = await readFile(json.caFile, 'utf8')
    await observe(json, caPem, observers)
    progress.step('Allowing the devices …')
    const allowList = dynamoAllowList({ client: dynamodb, table: json.allowListTable })
    await allowFleet(allowList, signal)
    const signer = getSigningKey(
      await readKeyFile(json.landfallKeyFile, 'signing key'),
      json.landfallKeyFile,
    )
    const world: DemoWorld = {
      json,
      caPem,
      fleetKey: createPrivateKey(await readFile(json.signingKeyFile, 'utf8')),
      landfallSigner: { key: signer.privateKey, algorithm: 'ES256', kid: signer.kid },
      devicesFolder: join(folder, 'devices'),
      allowList,
      observers,
      signal: AbortSignal.any([signal, ended.signal]),
    }
    return await unlessEdgeDies(
      local,
      Promise.all(
        fleet.map(async (device) => {
          const result = await runDemoDevice(device, world)
          progress.step(`${device.thing} in ${device.from}: ${result.region ?? 'refused'}`)
          return result
        }),
      ),
    )
  } finally {
    // Where the edge died, the devices would go on asking it.
    ended.abort()
    await Promise.allSettled(observers.map((it) => it.close()))
    dynamodb.destroy()
    await local.close()
  }
}

async function observe(json: LocalJson, caPem: string, observers: Observer[]): Promise<void> {
  await Promise.all(
    json.regions.map(async ({ region, endpointAddress, mqttPort }) => {
      const iot = new IoTClient({ ...clientConfig(json), region })
      try {
        const { accountId } = json
        const place = { region, accountId, endpointAddress, port: mqttPort }
        observers.push(await startObserver({ ...place, caPem, iot }))
      } finally {
        iot.destroy()
      }
    }),
  )
}

async function allowFleet(allowList: DynamoAllowList, signal: AbortSignal): Promise<void> {
  for (const { thing, allowed } of fleet) {
    if (allowed)
      await allowList.add(allowedDevice(thing, Date.now(), { by: 'landfall demo' }), signal)
  }
}

/** The operator's access. */
function clientConfig(json: LocalJson) {
  const { accessKeyId, secretAccessKey } = json
  return { endpoint: json.awsEndpointUrl, credentials: { accessKeyId, secretAccessKey } }
}

async function unlessEdgeDies<T>(local: Local, work: Promise<T>): Promise<T> {
  return await Promise.race([
    work,
    local.edgeDied.then((why) => {
      throw new CommandFailure(`the edge ended by itself (${why})`)
    }),
  ])
}

import type { KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DynamoAllowList } from '../../allowlist/dynamo-allow-list.ts'
import type { ContractName, DeviceContract } from '../device/contract.ts'
import { landfallContract } from '../device/landfall-contract.ts'
import type { RequestSigner } from '../device/landfall-request.ts'
import { type PowerOnOutcome, powerOn } from '../device/power-on.ts'
import { connectAndPublish } from '../device/publish.ts'
import { certificateId } from '../device/report.ts'
import { seedContract } from '../device/seed-contract.ts'
import { errorMessage } from '../failure.ts'
import type { LocalJson } from '../local/local-json.ts'
import type { DemoDevice } from './fleet.ts'
import type { Observer } from './observer.ts'

export const messagesEach = 3
const MESSAGE_INTERVAL_MS = 100
const ARRIVAL_MS = 5_000
const RETRY_SECONDS = 20

/** What came of one device; `problems` names every step that didn't happen as it must. */
export type DemoResult = {
  readonly device: string
  readonly from: string
  readonly contract: ContractName
  readonly key: 'own' | 'AWS IoT'
  readonly region?: string
  readonly distanceKm?: number
  readonly why?: string
  readonly certificateId?: string
  readonly messagesReceived: number
  readonly refusal?: string
  readonly problems: readonly string[]
}

export type DemoWorld = {
  readonly json: LocalJson
  readonly caPem: string
  readonly fleetKey: KeyObject
  /** Of the default product's signer of the Landfall contract. */
  readonly landfallSigner: RequestSigner
  readonly devicesFolder: string
  readonly allowList: DynamoAllowList
  readonly observers: readonly Observer[]
  readonly signal: AbortSignal
}

/** Switches one device on, lets it publish where it landed, and checks every step from outside. */
export async function runDemoDevice(device: DemoDevice, world: DemoWorld): Promise<DemoResult> {
  const base = {
    device: device.thing,
    from: device.from,
    contract: device.contract,
    key: device.ownKey === undefined ? ('AWS IoT' as const) : ('own' as const),
    messagesReceived: 0,
  }
  try {
    return { ...base, ...(await live(device, world)) }
  } catch (error) {
    return { ...base, problems: [errorMessage(error)] }
  }
}

type Check = readonly [holds: boolean, problem: string]

function problemsOf(checks: readonly Check[]): string[] {
  return checks.filter(([holds]) => !holds).map(([, problem]) => problem)
}

function findRecord({ thing }: DemoDevice, { allowList, signal }: DemoWorld) {
  return allowList.find(thing, { signal, consistent: true })
}

type Life = Pick<DemoResult, 'problems'> & Partial<DemoResult>

async function live(device: DemoDevice, world: DemoWorld): Promise<Life> {
  const outcome = await switchOn(device, world)
  if (outcome.kind === 'refused') {
    const expected = 'refusal' in device.expect ? device.expect.refusal : undefined
    const record = await findRecord(device, world)
    const refusal = outcome.problem ?? outcome.message
    const checks: readonly Check[] = [
      [refusal === expected, `was refused: ${outcome.message}`],
      [
        record?.status === (device.allowed ? 'unprovisioned' : undefined),
        `its record says ${record?.status ?? 'nothing'}`,
      ],
    ]
    return { refusal, problems: problemsOf(checks) }
  }
  const { identity } = outcome
  await connectAndPublish({
    thing: device.thing,
    identity,
    port: world.json.regions[0]?.mqttPort ?? 8883,
    caPem: world.caPem,
    count: messagesEach,
    intervalMs: MESSAGE_INTERVAL_MS,
    qos: 1,
    signal: world.signal,
  })
  const received = await waitForMessages(device.thing, identity.region, world)
  const record = await findRecord(device, world)
  const id = certificateId(identity.certificatePem)
  const elsewhere = world.observers.filter(
    (it) => it.region !== identity.region && it.count(device.thing) > 0,
  )
  const expected = 'region' in device.expect ? device.expect.region : undefined
  const endpoint = world.json.regions.find((it) => it.region === identity.region)?.endpointAddress
  const checks: readonly Check[] = [
    [expected !== undefined, 'was provisioned and should have been refused'],
    [
      expected === undefined || identity.region === expected,
      `landed in ${identity.region}, not in ${expected}`,
    ],
    [identity.endpointAddress === endpoint, `got the endpoint ${identity.endpointAddress}`],
    [received === messagesEach, `${received} of ${messagesEach} messages arrived`],
    [elsewhere.length === 0, `was heard in ${elsewhere.map((it) => it.region).join(', ')} too`],
    [
      record?.status === 'provisioned' && record.region === identity.region,
      `its record says ${record?.status ?? 'nothing'}`,
    ],
    [record?.certificateId === id, 'its record names another certificate'],
  ]
  return {
    region: identity.region,
    ...(outcome.distanceKm === undefined ? {} : { distanceKm: Math.round(outcome.distanceKm) }),
    why: record?.placement?.reason ?? '',
    certificateId: id,
    messagesReceived: received,
    problems: problemsOf(checks),
  }
}

async function switchOn(device: DemoDevice, world: DemoWorld): Promise<PowerOnOutcome> {
  const contract = speak(device, world)
  try {
    return await powerOn({
      thing: device.thing,
      contract,
      folder: world.devicesFolder,
      ...(device.ownKey === undefined ? {} : { ownKey: device.ownKey }),
      fake: device.fake,
      retrySeconds: RETRY_SECONDS,
      signal: world.signal,
    })
  } finally {
    await contract.close()
  }
}

function speak({ contract, address }: DemoDevice, world: DemoWorld): DeviceContract {
  const { provisionUrl, landfallUrl, audience } = world.json
  if (contract === 'seed') return seedContract({ url: provisionUrl, address }, world.fleetKey)
  return landfallContract({
    edge: { url: landfallUrl, address },
    signer: world.landfallSigner,
    audience,
    deliveryCurve: 'P-256',
    hasClock: true,
  })
}

async function waitForMessages(thing: string, region: string, world: DemoWorld): Promise<number> {
  const observer = world.observers.find((it) => it.region === region)
  const giveUpAt = performance.now() + ARRIVAL_MS
  while ((observer?.count(thing) ?? 0) < messagesEach && performance.now() < giveUpAt) {
    await sleep(20, undefined, { signal: world.signal })
  }
  return observer?.count(thing) ?? 0
}

import { X509Certificate } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isComplete } from '../../../app/provisioning/sweep-report.ts'
import { makeDeviceKey } from '../../device-key.ts'
import { auditFleet } from '../../fleet-audit.ts'
import {
  type Answer,
  type EdgeProcess,
  noBreaker,
  type Stage,
  setStage,
  signedRequest,
} from '../../stage.ts'
import { sweepStage } from '../../sweeping.ts'

/**
 * Every AWS call of a request's way, with everything that can happen to it, for both kinds of key. Each
 * fault has a lane for each kind of key: a region of its own for its edges, table calls and things, so
 * that lanes run side by side and no fault reaches another lane. None is the Region in which the tests
 * read the table themselves.
 */
const faults = {
  'fails before its write': { regions: ['ca-central-1', 'ap-east-1'], kind: 'error-before' },
  'fails after its write': { regions: ['eu-west-2', 'ap-south-1'], kind: 'error-after' },
  'is performed and its answer lost': { regions: ['eu-west-3', 'ap-northeast-1'], kind: 'lost' },
  'is throttled to the end': { regions: ['eu-north-1', 'ap-northeast-2'], kind: 'throttle' },
  'hangs past the deadline': { regions: ['us-east-1', 'ap-southeast-1'], kind: 'hang' },
  'lands after its process was killed': { regions: ['us-east-2', 'ap-southeast-2'], kind: 'kill' },
  'lands while its process is stopped beyond its lease': {
    regions: ['us-west-2', 'sa-east-1'],
    kind: 'stop',
  },
} as const
type FaultName = keyof typeof faults

/** The role first, as an edge has none only once. */
const steps = {
  role: { operation: 'AssumeRole' },
  read: { operation: 'GetItem' },
  claim: { operation: 'UpdateItem' },
  thing: { operation: 'CreateThing' },
  certificate: { operation: 'Create' },
  commit: { operation: 'UpdateItem', afterCalls: 1 },
  policy: { operation: 'AttachPolicy' },
  principal: { operation: 'AttachThingPrincipal' },
} as const
type StepName = keyof typeof steps

const keys = ['its own key', 'a key made by AWS IoT'] as const
type Key = (typeof keys)[number]

/**
 * Scaled down, in the order that docs/provisioning.md wants: call < deadline < lease. Long enough for a
 * busy machine to come to the call that shall be hit.
 */
const times = {
  ...noBreaker,
  aws: { connectSeconds: 1.5, requestSeconds: 1.5 },
  deadlineSeconds: 3,
  leaseSeconds: 3.6,
  productRefreshSeconds: 600,
}
const landsLateMs = 500

type Lane = {
  readonly fault: FaultName
  readonly key: Key
  readonly region: string
  edge: EdgeProcess
  /** Answers while the first one is stopped. */
  other: EdgeProcess | undefined
  busy: Promise<unknown>
}
const lanes = new Map<string, Lane>()
/** The certificate that each device was left with. */
const held = new Map<string, string>()
let stage: Stage

const laneNames = (Object.keys(faults) as FaultName[]).flatMap((fault) =>
  keys.map((key, n) => ({ fault, key, region: faults[fault].regions[n] ?? '' })),
)
const laneRegions = laneNames.map((it) => it.region)

beforeAll(async () => {
  stage = await setStage(laneRegions, 120)
  // The first case needs edges without a role: only those assume it for a request.
  await stage.fault({ operation: 'AssumeRole', kind: 'error-before', times: null })
  const edges: EdgeProcess[] = []
  // Four at once: other files run beside this one.
  for (let n = 0; n < laneNames.length; n += 4) {
    const some = laneNames.slice(n, n + 4)
    edges.push(...(await Promise.all(some.map(({ region }) => startEdge(region)))))
  }
  // Until each gave up: a try of its start that succeeds later would find the role before the request.
  await Promise.all(edges.map((edge) => edge.logged('a region is not ready')))
  await stage.clearFaults()
  const startOther = async (it: (typeof laneNames)[number]) =>
    faults[it.fault].kind === 'stop' ? await startEdge(it.region) : undefined
  const others = await Promise.all(laneNames.map(startOther))
  for (const [n, edge] of edges.entries()) {
    const name = laneNames[n]
    if (name === undefined) throw new Error('an edge of no lane')
    lanes.set(name.region, { ...name, edge, other: others[n], busy: Promise.resolve() })
  }
}, 120_000)
afterAll(() => stage?.close(), 120_000)

function startEdge(region: string): Promise<EdgeProcess> {
  const deviceRegions = stage.aws.regions
    .filter((it) => it.region === region)
    .map((it) => ({
      region,
      roleArn: it.edgeRoleArn,
      endpointAddress: it.endpointAddress,
    }))
  return stage.startEdge({ ...times, region, deviceRegions })
}

/** One case after the other in each lane. */
async function inLane(region: string, work: (lane: Lane) => Promise<void>): Promise<void> {
  const lane = lanes.get(region)
  if (lane === undefined) throw new Error(`no lane in ${region}`)
  const turn = lane.busy.then(() => work(lane))
  lane.busy = turn.catch(() => {})
  await turn
}

async function runCase(lane: Lane, step: StepName): Promise<void> {
  const { region } = lane
  const { kind } = faults[lane.fault]
  const device = `${region}-${step}`
  const csr = lane.key === 'its own key' ? (await makeDeviceKey(device)).csr : undefined
  const request = signedRequest(stage, device, csr)
  await stage.allow(device)
  const operation =
    step !== 'certificate'
      ? steps[step].operation
      : csr === undefined
        ? 'CreateKeysAndCertificate'
        : 'CreateCertificateFromCsr'
  const planted = { ...steps[step], operation, region }
  const lateness = kind === 'kill' || kind === 'stop'
  const plant = () =>
    lateness
      ? stage.fault({ ...planted, kind: 'delay', delayMs: landsLateMs, times: 1 })
      : stage.fault({ ...planted, kind, times: null })

  await plant()
  const asking = ask(lane.edge, request)
  if (kind === 'kill') await endAt(lane.edge, region, 'SIGKILL')
  let answer: Answer | undefined
  if (kind === 'stop') {
    if (lane.other === undefined) throw new Error(`no second edge in ${region}`)
    await endAt(lane.edge, region, 'SIGSTOP')
    await sleep(times.leaseSeconds * 1000 + 100)
    answer = await askUntilProvisioned(lane.other, request)
    lane.edge.child.kill('SIGCONT')
    expect((await asking)?.status).toBe(503)
  } else {
    const first = await asking
    if (kind === 'kill') expect(first).toBe(undefined)
    else expectHonest(first)
    if (first?.status === 200) answer = first
  }
  await stage.clearFaults(region)
  if (kind === 'kill') lane.edge = await startEdge(region)
  answer ??= await askUntilProvisioned(lane.edge, request)
  await expectOneIdentity(device, answer)
  // Asking again with the same key gives the same identity, and changes nothing.
  if (csr !== undefined) {
    const again = await askUntilProvisioned(lane.edge, request)
    expect(again.body.certificatePem).toBe(answer.body.certificatePem)
    await expectOneIdentity(device, again)
  }
  held.set(device, String(answer.body.certificatePem))
}

async function endAt(edge: EdgeProcess, region: string, signal: NodeJS.Signals): Promise<void> {
  await stage.faultFired(region)
  edge.child.kill(signal)
}

/** Undefined where the connection ended without an answer. */
function ask(edge: EdgeProcess, request: unknown): Promise<Answer | undefined> {
  return edge.post(request).catch(() => undefined)
}

/** As a patient device: it never gives up, and never gets more than one thing to be. */
async function askUntilProvisioned(edge: EdgeProcess, request: unknown): Promise<Answer> {
  for (let tries = 0; tries < 30; tries += 1) {
    const answer = await edge.post(request)
    if (answer.status === 200) return answer
    expectHonest(answer)
    await sleep(200)
  }
  throw new Error('the device was never provisioned')
}

function expectHonest(answer: Answer | undefined): void {
  expect([200, 503]).toContain(answer?.status)
  if (answer?.status !== 503) return
  expect(Number(answer.retryAfter)).toBeGreaterThanOrEqual(1)
  expect(answer.body).toEqual({ status: 'error', message: 'try again later' })
}

/** I1, I3 and I5: what the device holds is what the record names, and the only thing that is live. */
async function expectOneIdentity(thingName: string, answer: Answer): Promise<void> {
  const certificate = new X509Certificate(String(answer.body.certificatePem))
  const certificateId = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
  const record = await stage.row(thingName)
  expect(record).toMatchObject({ status: 'provisioned', certificateId })
  const { things } = await stage.identities()
  const live = (things[thingName] ?? []).filter((it) => it.status === 'ACTIVE')
  expect(live).toMatchObject([
    { region: record?.region, certificateId, policies: ['LandfallDevice'] },
  ])
}

// Lane after lane at each step: the runner starts concurrent tests in their order.
const cases = (Object.keys(steps) as StepName[]).flatMap((step) =>
  laneNames.map((it) => [step, it.key, it.fault, it.region] as const),
)
describe('one identity is live', () => {
  it.concurrent.each(cases)(
    'where the %s of a device with %s %s',
    (step, _key, _fault, region) => inLane(region, (lane) => runCase(lane, step)),
    240_000,
  )
})

describe('all the while', () => {
  it('no two identities were live at once, and none that a record named was killed', async () => {
    expect(await stage.violations()).toEqual([])
  })
})

describe('after one sweep', () => {
  it('every device has its one identity, and no other certificate stands anywhere', async () => {
    expect(held.size).toBe(cases.length)
    await sleep(times.leaseSeconds * 1000)
    const { deadlineSeconds, leaseSeconds } = times
    const report = await sweepStage(stage, {
      dedicatedRegions: laneRegions,
      deadlineSeconds,
      leaseSeconds,
      requestSeconds: 10,
    })
    expect(isComplete(report), JSON.stringify(report.failures)).toBe(true)
    expect(await auditFleet(stage, held)).toEqual([])
  }, 120_000)
})

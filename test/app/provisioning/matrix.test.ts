import { X509Certificate } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../device-key.ts'
import { auditFleet } from '../../fleet-audit.ts'
import { type Answer, type EdgeProcess, type Stage, setStage, signedRequest } from '../../stage.ts'
import { sweepStage } from '../../sweeping.ts'

/**
 * Every AWS call of a request's way, with everything that can happen to it, for both kinds of key. Each
 * fault has a lane: a region of its own for its edges, table calls and things, so that lanes run side by
 * side and no fault reaches another lane.
 */
const faults = {
  'fails before its write': { region: 'eu-west-1', kind: 'error-before' },
  'fails after its write': { region: 'eu-west-2', kind: 'error-after' },
  'is performed and its answer lost': { region: 'eu-west-3', kind: 'lost' },
  'is throttled to the end': { region: 'eu-north-1', kind: 'throttle' },
  'hangs past the deadline': { region: 'us-east-1', kind: 'hang' },
  'lands after its process was killed': { region: 'us-east-2', kind: 'kill' },
  'lands while its process is stopped beyond its lease': { region: 'us-west-2', kind: 'stop' },
} as const
type FaultName = keyof typeof faults

const steps = {
  read: { operation: 'GetItem' },
  claim: { operation: 'UpdateItem' },
  role: { operation: 'AssumeRole' },
  thing: { operation: 'CreateThing' },
  certificate: { operation: 'Create' },
  commit: { operation: 'UpdateItem', afterCalls: 1 },
  policy: { operation: 'AttachPolicy' },
  principal: { operation: 'AttachThingPrincipal' },
} as const
type StepName = keyof typeof steps

const keys = ['its own key', 'a key made by AWS IoT'] as const
type Key = (typeof keys)[number]

/** Scaled down, in the order that docs/provisioning.md wants: call < deadline < lease. */
const times = {
  aws: { connectSeconds: 0.4, requestSeconds: 0.4 },
  deadlineSeconds: 1.5,
  leaseSeconds: 1.8,
  productRefreshSeconds: 600,
}
const landsLateMs = 500

type Lane = { edge: EdgeProcess; other: EdgeProcess; busy: Promise<unknown> }
const lanes = new Map<FaultName, Lane>()
/** The certificate that each device was left with. */
const held = new Map<string, string>()
let stage: Stage

beforeAll(async () => {
  stage = await setStage(
    Object.values(faults).map((it) => it.region),
    120,
  )
  for (const name of Object.keys(faults) as FaultName[]) {
    const [edge, other] = await Promise.all([startEdge(name), startEdge(name)])
    lanes.set(name, { edge, other, busy: Promise.resolve() })
  }
}, 120_000)
afterAll(() => stage?.close(), 120_000)

function startEdge(fault: FaultName): Promise<EdgeProcess> {
  const { region } = faults[fault]
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
async function inLane(fault: FaultName, work: (lane: Lane) => Promise<void>): Promise<void> {
  const lane = lanes.get(fault)
  if (lane === undefined) throw new Error(`no lane for ${fault}`)
  const turn = lane.busy.then(() => work(lane))
  lane.busy = turn.catch(() => {})
  await turn
}

async function runCase(lane: Lane, step: StepName, fault: FaultName, key: Key): Promise<void> {
  const { region, kind } = faults[fault]
  const device = `${region}-${step}-${key === 'its own key' ? 'csr' : 'aws'}`
  const csr = key === 'its own key' ? (await makeDeviceKey(device)).csr : undefined
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

  if (step === 'role') {
    // Only an edge that found no role at its start assumes it for a request.
    await lane.edge.stop('SIGKILL')
    await stage.fault({ operation, region, kind: 'error-before', times: null })
    lane.edge = await startEdge(fault)
    await stage.clearFaults(region)
  }
  await plant()
  const asking = ask(lane.edge, request)
  if (kind === 'kill') await endAt(lane.edge, region, 'SIGKILL')
  let answer: Answer | undefined
  if (kind === 'stop') {
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
  if (kind === 'kill') lane.edge = await startEdge(fault)
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

for (const fault of Object.keys(faults) as FaultName[]) {
  describe(`a call that ${fault}`, () => {
    const cases = (Object.keys(steps) as StepName[]).flatMap((step) =>
      keys.map((key) => [step, key] as const),
    )
    it.concurrent.each(cases)(
      'as the %s of a device with %s leaves one live identity',
      (step, key) => inLane(fault, (lane) => runCase(lane, step, fault, key)),
      240_000,
    )
  })
}

describe('all the while', () => {
  it('no two identities were live at once, and none that a record named was killed', async () => {
    expect(await stage.violations()).toEqual([])
  })
})

describe('after one sweep', () => {
  it('every device has its one identity, and no other certificate stands anywhere', async () => {
    expect(held.size).toBe(Object.keys(faults).length * Object.keys(steps).length * keys.length)
    await sleep(times.leaseSeconds * 1000)
    const dedicatedRegions = Object.values(faults).map((it) => it.region)
    await sweepStage(stage, { dedicatedRegions, leaseSeconds: times.leaseSeconds })
    expect(await auditFleet(stage, held)).toEqual([])
  }, 120_000)
})

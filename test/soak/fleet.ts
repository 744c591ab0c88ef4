import type { SweepReport } from '../../app/provisioning/sweep-report.ts'
import { isComplete } from '../../app/provisioning/sweep-report.ts'
import { quantile } from '../../bench/statistics.ts'
import { auditFleet, readRecords } from '../fleet-audit.ts'
import { addresses, type Stage, setStage } from '../stage.ts'
import { sweepStage } from '../sweeping.ts'
import { makeDevices, type Onboarding, onboard, type SoakDevice } from './device.ts'
import { seededRandom } from './random.ts'
import { type Edges, firedFaults, plantFaults, startEdges } from './trouble.ts'

/** Six regions, and an address near each. */
const places = {
  'eu-west-1': addresses.dublin,
  'us-east-1': addresses.newYork,
  'ap-northeast-1': addresses.tokyo,
  'eu-central-1': '141.2.0.1',
  'sa-east-1': '143.107.1.1',
  'ap-southeast-2': '129.94.242.2',
} as const
const regions = Object.keys(places)

/** Scaled to about a tenth, in the order that docs/provisioning.md wants: call < deadline < lease. */
const times = {
  aws: { connectSeconds: 1, requestSeconds: 1 },
  deadlineSeconds: 4,
  leaseSeconds: 6,
}
/** Longer than the soak: whoever lost the key that AWS IoT made gets a new one. */
const redeliverSeconds = 3600

export type SoakPlan = {
  readonly devices: number
  readonly edges: number
  /** Devices that are on at the same time. */
  readonly atOnce: number
  readonly killEverySeconds: readonly [number, number]
  /** Decides who asks which edge when, and who is killed; not what AWS does. */
  readonly seed: number
  readonly minutes: number
}

export type SoakReport = {
  readonly plan: SoakPlan
  readonly provisioned: number
  /** From the first request to the last device's identity. */
  readonly seconds: number
  readonly devicesPerSecond: number
  readonly requests: number
  /** Answers that told a device to come again. */
  readonly answers503: number
  readonly brokenConnections: number
  /** Claims that the records count. */
  readonly attempts: number
  readonly kills: number
  readonly awsCalls: number
  readonly faults: Readonly<Record<string, number>>
  readonly milliseconds: { readonly p50: number; readonly p95: number; readonly longest: number }
  readonly sweep: {
    readonly seconds: number
    readonly seen: number
    readonly destroyed: Readonly<Record<string, number>>
    readonly repaired: Readonly<Record<string, number>>
  }
  /** What is wrong in the end; nothing, where all holds. */
  readonly problems: readonly string[]
}

export type SoakProgress = {
  /** A part of the soak begins. */
  step(text: string): void
  /** How far it is. */
  update(text: string): void
}

/** A whole fleet through edges that die and an AWS that fails, then one sweep and the audit. */
export async function soak(plan: SoakPlan, progress: SoakProgress): Promise<SoakReport> {
  const signal = AbortSignal.timeout(plan.minutes * 60_000)
  const stage = await setStage(regions, redeliverSeconds)
  try {
    await stage.liftQuotas()
    progress.step(`Making ${plan.devices} devices with keys`)
    const devices = await makeDevices(stage, { ...plan, addresses: Object.values(places) })
    progress.step('Provisioning, while edges are killed and calls fail')
    const edges = await startEdges(stage, {
      ...plan,
      settings: times,
      random: seededRandom(plan.seed + 1),
    })
    await stage.clearCalls()
    await plantFaults(stage)
    const startedAt = performance.now()
    const run = await powerOn(devices, edges, { plan, progress, signal })
    const seconds = (performance.now() - startedAt) / 1000
    await edges.settle()
    const awsCalls = await countCalls(stage)
    const faults = await firedFaults(stage)
    await stage.clearFaults()
    progress.step('Sweeping once')
    const sweepStartedAt = performance.now()
    const report = await sweepStage(stage, {
      dedicatedRegions: regions,
      ...times,
      requestSeconds: 10,
      signal,
    })
    const sweepSeconds = (performance.now() - sweepStartedAt) / 1000
    progress.step('Auditing every device and every certificate')
    const held = new Map([...run.done].map(([name, it]) => [name, it.certificate]))
    const problems = [
      ...run.failures,
      ...(isComplete(report) ? [] : [`the sweep failed: ${failuresOf(report).join('; ')}`]),
      ...(await auditFleet(stage, held)),
    ]
    const kills = edges.kills
    const attempts = await countAttempts(stage, devices)
    const sweep = { seconds: round(sweepSeconds), ...summarize(report) }
    const counted = { plan, seconds, kills, awsCalls, faults, attempts, sweep, problems }
    return { ...counted, ...figures(run, seconds) }
  } finally {
    await stage.close()
  }
}

type Run = { readonly done: ReadonlyMap<string, Onboarding>; readonly failures: readonly string[] }

async function powerOn(
  devices: readonly SoakDevice[],
  edges: Edges,
  options: { plan: SoakPlan; progress: SoakProgress; signal: AbortSignal },
): Promise<Run> {
  const { plan, progress, signal } = options
  const random = seededRandom(plan.seed)
  const done = new Map<string, Onboarding>()
  const failures: string[] = []
  const queue = devices.values()
  const socket = async () => {
    for (const device of queue) {
      try {
        const it = await onboard(device, edges.running, { random, signal })
        done.set(device.name, it)
        await askAgain(device, it)
      } catch (error) {
        failures.push(`I3: ${device.name}: ${error instanceof Error ? error.message : error}`)
      }
      progress.update(`${done.size} of ${devices.length} provisioned, ${edges.kills} edges killed`)
    }
  }

  /** Every tenth is switched on a second time, and must find what it has. */
  async function askAgain(device: SoakDevice, first: Onboarding): Promise<void> {
    if (!device.ownKey || random() >= 0.1) return
    const again = await onboard(device, edges.running, { random, signal })
    if (again.certificate === first.certificate) return
    failures.push(`I3: ${device.name} asked again and got another certificate`)
  }

  await Promise.all(Array.from({ length: plan.atOnce }, socket))
  return { done, failures }
}

function figures({ done }: Run, seconds: number) {
  const all = [...done.values()]
  const milliseconds = all.map((it) => it.milliseconds)
  const statuses = all.flatMap((it) => it.statuses)
  const broken = all.map((it) => it.broken).reduce((sum, count) => sum + count, 0)
  return {
    provisioned: done.size,
    seconds: round(seconds),
    devicesPerSecond: round(done.size / seconds),
    requests: statuses.length + broken,
    answers503: statuses.filter((status) => status === 503).length,
    brokenConnections: broken,
    milliseconds: {
      p50: Math.round(quantile(milliseconds, 0.5)),
      p95: Math.round(quantile(milliseconds, 0.95)),
      longest: Math.round(quantile(milliseconds, 1)),
    },
  }
}

async function countCalls(stage: Stage): Promise<number> {
  return (await stage.calls()).length
}

async function countAttempts(stage: Stage, devices: readonly SoakDevice[]): Promise<number> {
  const records = await readRecords(stage)
  return devices.reduce((sum, { name }) => sum + (records.get(name)?.attempts ?? 0), 0)
}

function failuresOf(report: SweepReport): readonly string[] {
  return [...report.failures, ...report.regions.flatMap((it) => it.failures)]
}

function summarize(report: SweepReport) {
  return {
    seen: report.regions.reduce((sum, it) => sum + it.seen, 0),
    destroyed: countBy(report.regions.flatMap((it) => it.destroyed)),
    repaired: countBy([...report.repaired, ...report.regions.flatMap((it) => it.repaired)]),
  }
}

function countBy(findings: readonly { readonly why: string }[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { why } of findings) counts[why] = (counts[why] ?? 0) + 1
  return counts
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

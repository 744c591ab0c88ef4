import { setTimeout as sleep } from 'node:timers/promises'
import { isComplete } from '../../../app/provisioning/sweep-report.ts'
import { makeDeviceKey } from '../../device-key.ts'
import { auditFleet } from '../../fleet-audit.ts'
import { type Call, type EdgeProcess, type Stage, setStage, signedRequest } from '../../stage.ts'
import { sweepStage } from '../../sweeping.ts'
import { places, regionPolicy, regions, type SickCase } from './cases.ts'
import { killInMoves } from './kill-in-moves.ts'
import { epochMs, type Load, type LoadDevice, startLoad } from './load.ts'

export type CasePlan = {
  readonly devicesPerSecond: number
  /** No more arrive while so many wait for an answer: the machine is too slow. */
  readonly mostUnanswered: number
  /** Of AWS IoT's control plane, for each operation in each region; the default is 10 to 15. */
  readonly quotaPerSecond: number
  /** Of the edges: deadlines and the lease. */
  readonly settings: {
    readonly aws: { readonly connectSeconds: number; readonly requestSeconds: number }
    readonly deadlineSeconds: number
    readonly leaseSeconds: number
  }
  readonly healthySeconds: number
  /** At least so long; longer until every breaker has opened, as a slow machine may need. */
  readonly sickSeconds: number
  /** After the recovery: until new devices are back in their nearest region, no longer than this. */
  readonly backWithinSeconds: number
  /** And so much longer. */
  readonly steadySeconds: number
  /** What devices make of Retry-After: 1 is to the letter. */
  readonly retryScale: number
  /** Everything has to be over. */
  readonly minutes: number
}

/** A machine that takes longer shows nothing. */
const openWithinMs = 30_000

/** What was seen of one edge process. */
export type EdgeRun = {
  readonly name: string
  readonly pid: number
  /** By kill-in-moves.ts. */
  readonly killed: boolean
  /** The lines of its log. */
  readonly log: readonly Readonly<Record<string, unknown>>[]
}

/** All that happened, for judge.ts. Times are in ms since 1970. */
export type CaseRun = {
  readonly sickCase: SickCase
  readonly plan: CasePlan
  readonly startedAt: number
  /** When the sickness began and ended; a flapping region has several. */
  readonly spells: readonly { readonly from: number; readonly to: number }[]
  /** After the last one the devices of the sick regions landed there again. */
  readonly back: boolean
  readonly devices: readonly LoadDevice[]
  readonly calls: readonly Call[]
  readonly edges: readonly EdgeRun[]
  /** What the sweep and the audit found wrong after it, by invariant. */
  readonly auditProblems: readonly string[]
  /** What became of edges killed in the middle of a move. */
  readonly kills: readonly string[]
}

/** One case from its first device to the audit, on a stage of its own. */
export async function runCase(sickCase: SickCase, plan: CasePlan): Promise<CaseRun> {
  const signal = AbortSignal.timeout(plan.minutes * 60_000)
  const stage = await setStage(regions)
  try {
    const body = JSON.stringify({ perSecond: plan.quotaPerSecond })
    await fetch(`${stage.aws.controlUrl}/quotas`, { method: 'PUT', body })
    await stage.setRegionPolicy(regionPolicy)
    const count = sickCase.killsEdges ? 3 : 2
    const edges = await Promise.all(
      Array.from({ length: count }, () => stage.startEdge(plan.settings)),
    )
    await warmUp(stage, edges)
    await stage.clearCalls()
    const startedAt = epochMs()
    const load = startLoad(stage, {
      perSecond: plan.devicesPerSecond,
      mostUnanswered: plan.mostUnanswered,
      retryScale: plan.retryScale,
      edges: () => edges.filter((it) => it.child.signalCode === null),
      signal,
    })
    await sleep(plan.healthySeconds * 1000)
    const { spells, kills } = await fallSick(stage, sickCase, { plan, load, edges })
    const recoveredAt = spells.at(-1)?.to ?? epochMs()
    const back = await waitUntilBack(load, sickCase, recoveredAt, plan)
    await load.end()
    const calls = await stage.calls()
    const auditProblems = await audit(stage, load, plan, signal)
    return {
      sickCase,
      plan,
      startedAt,
      spells,
      back,
      kills,
      devices: load.devices(),
      calls,
      edges: edges.map(({ child, log }, n) => ({
        name: `edge ${n + 1}`,
        pid: child.pid ?? 0,
        killed: child.signalCode !== null,
        log,
      })),
      auditProblems,
    }
  } finally {
    await stage.close()
  }
}

/** A device from each place at each edge: roles are assumed, the device policies are there. */
async function warmUp(stage: Stage, edges: readonly EdgeProcess[]): Promise<void> {
  for (const [n, edge] of edges.entries()) {
    await Promise.all(
      places.map(async ({ address }, at) => {
        const name = `warm-${n}-${at}`
        await stage.allow(name)
        const { csr } = await makeDeviceKey(name)
        const answer = await edge.post(signedRequest(stage, name, csr), address)
        if (answer.status !== 200) throw new Error(`${name} got ${answer.status}`)
      }),
    )
  }
}

async function fallSick(
  stage: Stage,
  sickCase: SickCase,
  run: { plan: CasePlan; load: Load; edges: readonly EdgeProcess[] },
): Promise<Pick<CaseRun, 'spells' | 'kills'>> {
  const { sickSeconds } = run.plan
  const until = epochMs() + sickSeconds * 1000
  const spells: { from: number; to: number }[] = []
  let kills: readonly string[] = []
  while (epochMs() < until - 1) {
    for (const region of sickCase.sickRegions) {
      await stage.fault({ kind: sickCase.fault, region, service: 'iot', times: null })
    }
    const from = epochMs()
    if (sickCase.killsEdges) kills = await killInMoves(stage, run.load, run.edges)
    const spellSeconds = sickCase.flapSeconds ?? sickSeconds
    await sleep(Math.max(0, Math.min(until, from + spellSeconds * 1000) - epochMs()))
    if (sickCase.flapSeconds === undefined) await waitUntilOpen(sickCase, run.edges)
    for (const region of sickCase.sickRegions) await stage.clearFaults(region)
    spells.push({ from, to: epochMs() })
    if (sickCase.flapSeconds === undefined) break
    await sleep(Math.max(0, Math.min(until, epochMs() + spellSeconds * 1000) - epochMs()))
  }
  return { spells, kills }
}

async function waitUntilOpen(
  { sickRegions }: SickCase,
  edges: readonly EdgeProcess[],
): Promise<void> {
  const isOpen = () =>
    edges
      .filter((it) => it.child.signalCode === null)
      .every(({ log }) =>
        sickRegions.every((region) =>
          log.some((line) => line.msg === 'breaker opened' && line.region === region),
        ),
      )
  const giveUpAt = performance.now() + openWithinMs
  while (!isOpen() && performance.now() < giveUpAt) await sleep(50)
}

/** Until the last four devices of the sick regions landed there again, all of them after the recovery. */
async function waitUntilBack(
  load: Load,
  { sickRegions }: SickCase,
  recoveredAt: number,
  plan: CasePlan,
): Promise<boolean> {
  const giveUpAt = recoveredAt + plan.backWithinSeconds * 1000
  const isBack = () => {
    const last = load
      .devices()
      .filter(({ asks, home, strict }) => {
        const arrived = asks[0]?.startedAt ?? 0
        return sickRegions.includes(home) && !strict && arrived > recoveredAt
      })
      .slice(-4)
    return last.length === 4 && last.every(({ landed, home }) => landed?.region === home)
  }
  while (!isBack() && epochMs() < giveUpAt) await sleep(100)
  const back = isBack()
  await sleep(plan.steadySeconds * 1000)
  return back
}

async function audit(
  stage: Stage,
  load: Load,
  { settings }: CasePlan,
  signal: AbortSignal,
): Promise<string[]> {
  const report = await sweepStage(stage, {
    dedicatedRegions: regions,
    ...settings,
    requestSeconds: 10,
    signal,
  })
  const held = new Map(load.devices().map(({ name, landed }) => [name, landed?.certificate]))
  return [...(isComplete(report) ? [] : ['the sweep failed']), ...(await auditFleet(stage, held))]
}

import { setTimeout as sleep } from 'node:timers/promises'
import { isComplete, type SweepReport } from '../app/provisioning/sweep-report.ts'
import { makeDeviceKey } from './device-key.ts'
import { auditFleet, type HeldCertificates } from './fleet-audit.ts'
import {
  type Answer,
  addresses,
  type EdgeProcess,
  noBreaker,
  type Stage,
  setStage,
  signedRequest,
} from './stage.ts'
import { sweepStage } from './sweeping.ts'

export type Device = { readonly name: string; readonly request: unknown; readonly ownKey: boolean }

/** A stage whose quotas are lifted, since throttling isn't the subject, and that is swept all the while. */
export type Race = {
  readonly stage: Stage
  /** Allows new devices: their keys are their own, AWS IoT's, or both in turns. */
  devices(count: number, keys: 'own' | 'aws' | 'both'): Promise<Device[]>
  /** Waits for a sweep that begins now, then says what is wrong with these devices, and with any. */
  problems(held: HeldCertificates): Promise<string[]>
  /** What the sweeps so far failed at. */
  sweepFailures(): string[]
  close(): Promise<void>
}

const regions = ['eu-west-1', 'us-east-1', 'ap-northeast-1'] as const
const places = Object.values(addresses)

export async function startRace(): Promise<Race> {
  const stage = await setStage(regions)
  await stage.liftQuotas()
  const sweeper = keepSweeping(stage)
  let made = 0
  return {
    stage,
    async devices(count, keys) {
      return await Promise.all(
        Array.from({ length: count }, async () => {
          made += 1
          const name = `racer-${made}`
          const ownKey = keys === 'own' || (keys === 'both' && made % 2 === 0)
          const csr = ownKey ? (await makeDeviceKey(name)).csr : undefined
          await stage.allow(name)
          return { name, ownKey, request: signedRequest(stage, name, csr) }
        }),
      )
    },
    async problems(held) {
      await sweeper.oneMore()
      return await auditFleet(stage, held)
    },
    sweepFailures: () =>
      sweeper.reports
        .filter((report) => !isComplete(report))
        .flatMap((it) => [...it.failures, ...it.regions.flatMap((region) => region.failures)]),
    async close() {
      await sweeper.stop()
      await stage.close()
    },
  }
}

/** Times for edges that a busy machine can't exhaust: only where time isn't the subject. */
export const ampleTimes = {
  ...noBreaker,
  aws: { connectSeconds: 15, requestSeconds: 15 },
  deadlineSeconds: 28,
  leaseSeconds: 60,
}

/** Sweeps everything, however young, as all regions were Landfall's alone: as hard as it can be. */
function keepSweeping(stage: Stage) {
  const reports: SweepReport[] = []
  let waiting: { enough: number; resolve: () => void }[] = []
  let stopped = false
  let failed: unknown
  const sweeping = (async () => {
    while (!stopped) {
      reports.push(
        await sweepStage(stage, {
          since: 'everything',
          dedicatedRegions: regions,
          leaseSeconds: 60,
          requestSeconds: 30,
        }),
      )
      for (const it of waiting) if (reports.length >= it.enough) it.resolve()
      waiting = waiting.filter((it) => reports.length < it.enough)
      await sleep(100)
    }
  })().catch((error: unknown) => {
    failed = error ?? new Error('the sweeper failed')
    for (const it of waiting) it.resolve()
  })
  return {
    reports,
    async oneMore() {
      if (failed === undefined) {
        // The one under way began before.
        const enough = reports.length + 2
        await new Promise<void>((resolve) => waiting.push({ enough, resolve }))
      }
      if (failed !== undefined) throw failed
    },
    async stop() {
      stopped = true
      await sweeping
    },
  }
}

/** So many requests of one device at the same time, from everywhere, at all edges in turns. */
export async function ask(
  edges: readonly EdgeProcess[],
  device: Device,
  count: number,
): Promise<Answer[]> {
  return await Promise.all(
    Array.from({ length: count }, (_, n) => edgeAt(edges, n).post(device.request, places[n % 3])),
  )
}

/**
 * One contender: asks one edge after the other until `done` says so of an answer. An edge that is
 * stopped or gone gives none. Pauses grow tenfold, as a device's do. Returns every answer.
 */
export async function keepAsking(
  edges: readonly EdgeProcess[],
  device: Device,
  contender: number,
  options: { done?: (answer: Answer) => boolean; address?: string; pauseMs?: number } = {},
): Promise<Answer[]> {
  const { done = ({ status }) => status === 200, pauseMs = 50 } = options
  const address = options.address ?? places[contender % 3]
  const answers: Answer[] = []
  for (let tries = 0; tries < 500; tries += 1) {
    const edge = edgeAt(edges, contender + tries)
    const answer = await edge.post(device.request, address).catch(() => undefined)
    if (answer !== undefined) answers.push(answer)
    if (answer !== undefined && done(answer)) return answers
    await sleep(pauseMs * 1.1 ** Math.min(tries, 25) * (1 + Math.random()))
  }
  throw new Error(`${device.name} never got what it waits for: ${answers.at(-1)?.status}`)
}

/** What is wrong with an answer in a race that nobody blocks: it must be a certificate, or say "later". */
export function dishonesty(answer: Answer): string | undefined {
  if (answer.status === 200) return undefined
  if (answer.status === 503 && /^[1-9]\d*$/.test(answer.retryAfter ?? '')) return undefined
  return `${answer.status} ${JSON.stringify(answer.body)} Retry-After ${answer.retryAfter}`
}

export function certificatesIn(answers: readonly Answer[]): string[] {
  const won = answers.filter((answer) => answer.status === 200)
  return [...new Set(won.map((answer) => String(answer.body.certificatePem)))]
}

function edgeAt(edges: readonly EdgeProcess[], n: number): EdgeProcess {
  const edge = edges[n % edges.length]
  if (edge === undefined) throw new Error('there is no edge')
  return edge
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { EdgeProcess, Stage } from '../stage.ts'
import { between, pick } from './random.ts'

/** What befalls AWS calls, as shares of all: a tenth in sum (kinds: local/faults.ts). */
const faultShares = [
  { kind: 'error-before', share: 0.02 },
  { kind: 'error-after', share: 0.02 },
  { kind: 'lost', share: 0.02 },
  { kind: 'lost-before', share: 0.01 },
  { kind: 'throttle', share: 0.02 },
  { kind: 'hang', share: 0.005 },
] as const
const delays = { share: 0.005, delayMs: 500 }

/** Plants the faults; each is drawn for the calls that those before it let pass. */
export async function plantFaults(stage: Stage): Promise<void> {
  let left = 1
  for (const { kind, share } of faultShares) {
    await stage.fault({ kind, probability: share / left, times: null })
    left -= share
  }
  await stage.fault({ kind: 'delay', probability: delays.share, delayMs: delays.delayMs })
}

/** How often each kind has fired. */
export async function firedFaults(stage: Stage): Promise<Record<string, number>> {
  const answer = await fetch(`${stage.aws.controlUrl}/faults`)
  const { faults } = (await answer.json()) as { faults: { kind: string; fired: number }[] }
  return Object.fromEntries(faults.map(({ kind, fired }) => [kind, fired]))
}

/** Edge processes of which one after the other is killed and started again. */
export type Edges = {
  /** Those that run, in any order. */
  running(): readonly EdgeProcess[]
  readonly kills: number
  /** No more kills; every edge runs. */
  settle(): Promise<void>
}

export async function startEdges(
  stage: Stage,
  plan: {
    readonly edges: number
    readonly settings: Record<string, unknown>
    /** Seconds between two kills, least and most. */
    readonly killEverySeconds: readonly [number, number]
    readonly random: () => number
  },
): Promise<Edges> {
  const { settings, random } = plan
  const start = () => stage.startEdge(settings)
  let running = await Promise.all(Array.from({ length: plan.edges }, start))
  let kills = 0
  const ending = new AbortController()

  async function killOne(): Promise<void> {
    const victim = pick(random, running)
    running = running.filter((edge) => edge !== victim)
    await victim.stop('SIGKILL')
    kills += 1
    running = [...running, await start()]
  }

  const killing = (async () => {
    for (;;) {
      const pause = 1000 * between(random, ...plan.killEverySeconds)
      await sleep(pause, undefined, { signal: ending.signal }).catch(() => {})
      if (ending.signal.aborted) return
      await killOne()
    }
  })()
  // Told to whoever settles; until then it is nobody's.
  killing.catch(() => {})

  return {
    running: () => running,
    get kills() {
      return kills
    },
    async settle() {
      ending.abort()
      await killing
    },
  }
}

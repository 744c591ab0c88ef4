import { setTimeout as sleep } from 'node:timers/promises'
import { retryDelayMs } from '../../../app/cli/device/retry.ts'
import { makeDeviceKey } from '../../device-key.ts'
import { type EdgeProcess, type Stage, signedRequest } from '../../stage.ts'
import { places } from './cases.ts'

/** One request of a device and what came of it. Times are in ms since 1970, by this process's clock. */
export type Ask = {
  readonly startedAt: number
  readonly endedAt: number
  /** Undefined where the connection was refused or ended without an answer. */
  readonly status: number | undefined
  readonly region?: string
  readonly retryAfterSeconds?: number
}

/** What one device of the load went through. */
export type LoadDevice = {
  readonly name: string
  /** The region nearest to it. */
  readonly home: string
  /** It may land at home, and nowhere else. */
  readonly strict: boolean
  /** Oldest first; the last one answered with the identity, once `landed` is there. */
  readonly asks: readonly Ask[]
  readonly landed?: { readonly region: string; readonly certificate: string }
  /** Why it gave up. */
  readonly failure?: string
}

export type Load = {
  /** In the order of their arrival. */
  devices(): readonly LoadDevice[]
  /** One more device, at the first place, that asks this edge first; gives its name. */
  addOne(edge: EdgeProcess): string
  /** No more devices arrive; resolves once every one has its answer or gave up. */
  end(): Promise<void>
}

/**
 * New devices arrive at a steady pace, until so many wait for an answer: then the machine has no room for
 * more. Each has a key of its own, asks one edge after the other, and waits as it is told: `retryScale`
 * times Retry-After, and never less.
 */
export function startLoad(
  stage: Stage,
  plan: {
    readonly perSecond: number
    readonly mostUnanswered: number
    readonly retryScale: number
    readonly edges: () => readonly EdgeProcess[]
    readonly signal: AbortSignal
  },
): Load {
  const devices: LoadDevice[] = []
  const underWay = new Set<Promise<void>>()
  const ending = new AbortController()
  let unanswered = 0

  const arriving = (async () => {
    let due = performance.now()
    for (let n = 0; !ending.signal.aborted; n += 1) {
      while (unanswered >= plan.mostUnanswered) await sleep(10)
      await sleep(Math.max(0, due - performance.now()), undefined, { signal: ending.signal }).catch(
        () => {},
      )
      due = Math.max(due, performance.now() - 1000 / plan.perSecond) + 1000 / plan.perSecond
      if (!ending.signal.aborted) add(n)
    }
  })()

  /** `first`: the edge asked first; else one by the device's number. */
  function add(n: number, first?: EdgeProcess): string {
    const place = places[first === undefined ? n % places.length : 0] ?? places[0]
    const at = devices.length
    const name = `load-${String(at).padStart(5, '0')}`
    devices.push({ name, home: place.home, strict: place.strict, asks: [] })
    const bringing = bringUp(at, place.address, Math.floor(n / places.length), first)
    const done = bringing.catch((error: unknown) => {
      note(at, { failure: error instanceof Error ? error.message : 'no answer' })
    })
    underWay.add(done)
    void done.finally(() => underWay.delete(done))
    return name
  }

  function note(at: number, change: Partial<LoadDevice>): void {
    const before = devices[at]
    if (before !== undefined) devices[at] = { ...before, ...change }
  }

  async function bringUp(at: number, address: string, turn: number, first?: EdgeProcess) {
    const name = devices[at]?.name ?? ''
    const [{ csr }] = await Promise.all([makeDeviceKey(name), stage.allow(name)])
    const request = signedRequest(stage, name, csr)
    for (let tries = 0; ; tries += 1) {
      plan.signal.throwIfAborted()
      const edges = plan.edges()
      const edge = (tries === 0 ? first : undefined) ?? edges[(turn + tries) % edges.length]
      const askedAt = epochMs()
      unanswered += 1
      const answer = await edge?.post(request, address).catch(() => undefined)
      unanswered -= 1
      const told = answer?.retryAfter
      const seconds = told === undefined || told === null ? undefined : Number(told)
      const region = answer?.status === 200 ? String(answer.body.region) : undefined
      const ask: Ask = {
        startedAt: askedAt,
        endedAt: epochMs(),
        status: answer?.status,
        ...(region === undefined ? {} : { region }),
        ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
      }
      note(at, { asks: [...(devices[at]?.asks ?? []), ask] })
      if (region !== undefined) {
        note(at, { landed: { region, certificate: String(answer?.body.certificatePem) } })
        return
      }
      if (answer !== undefined && answer.status !== 503) {
        throw new Error(`answered ${answer.status} ${JSON.stringify(answer.body)}`)
      }
      const scaled = seconds === undefined ? undefined : seconds * plan.retryScale
      const pauseMs = retryDelayMs(Math.min(tries, 2), scaled, Math.random())
      await sleep(pauseMs, undefined, { signal: plan.signal })
    }
  }

  return {
    devices: () => devices,
    addOne: (edge) => add(0, edge),
    async end() {
      ending.abort()
      await arriving
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}

/** Milliseconds since 1970, to the microsecond, as the stand-in's call log has them. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now()
}

import type { CaseRun } from './run-case.ts'

/** One request's calls to one region: the attempt was tried there. Times are in ms since 1970. */
export type Try = {
  readonly device: string
  readonly edge: string
  readonly region: string
  /** When the device asked. */
  readonly askedAt: number
  /** Of the first call and of the last one. */
  readonly startedAt: number
  readonly endedAt: number
}

/** Every region that a request was tried in, by its CreateThing, which every attempt begins with. */
export function triesOf({ devices, calls, edges }: CaseRun): Try[] {
  const asks = new Map(devices.map((it) => [it.name, it.asks]))
  const tries = new Map<string, Try>()
  for (const { operation, resource, region, caller, startedAt, endedAt } of calls) {
    if (operation !== 'CreateThing') continue
    const device = resource.split('/').at(-1) ?? ''
    const ask = asks.get(device)?.findLast((it) => it.startedAt <= startedAt)
    // The session's name ends in the edge's process id.
    const edge = edges.find(({ pid }) => caller.endsWith(`-${pid}`))
    if (ask === undefined || edge === undefined) continue
    const key = `${device} ${edge.name} ${region} ${ask.startedAt}`
    const before = tries.get(key)
    tries.set(key, {
      device,
      edge: edge.name,
      region,
      askedAt: ask.startedAt,
      startedAt: Math.min(startedAt, before?.startedAt ?? startedAt),
      endedAt: Math.max(endedAt, before?.endedAt ?? endedAt),
    })
  }
  return [...tries.values()]
}

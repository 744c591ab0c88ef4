/** So far back events count: a rate that people see change. */
const windowSeconds = 10

/** How many events a second there were lately. */
export type Rate = { add(): void; now(): number }

/** By a clock in milliseconds; counts by the second, so that it stays small. */
export function startRate(clock: () => number = () => performance.now()): Rate {
  const startedAt = clock()
  let counts: { second: number; events: number }[] = []
  const drop = (second: number) => {
    counts = counts.filter((it) => it.second > second - windowSeconds)
  }
  return {
    add() {
      const second = Math.floor(clock() / 1000)
      const last = counts.at(-1)
      if (last?.second === second) last.events++
      else {
        counts.push({ second, events: 1 })
        drop(second)
      }
    },
    now() {
      const at = clock()
      drop(Math.floor(at / 1000))
      const seconds = Math.min(windowSeconds, Math.max(1, (at - startedAt) / 1000))
      return counts.reduce((sum, it) => sum + it.events, 0) / seconds
    },
  }
}

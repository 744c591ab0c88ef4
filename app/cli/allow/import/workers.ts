import { performance } from 'node:perf_hooks'

const atFirst = 8
const lookMs = 50
/** Above that share of the time this process is the one that is waited for. */
const busy = 0.9

/**
 * Runs `work` several times at once, at most `parallel` times, until each has ended. It begins with a few
 * and adds more only while this process waits for answers: a far table needs many rows under way, and
 * where the processor is the limit more of them just take memory. `work` gets a number of its own, and
 * never throws.
 */
export async function runWorkers(
  parallel: number,
  work: (worker: number) => Promise<void>,
): Promise<void> {
  const running: Promise<void>[] = []
  const start = (wanted: number) => {
    const number = Math.min(wanted, parallel)
    while (running.length < number) running.push(work(running.length))
  }
  start(atFirst)
  let before = performance.eventLoopUtilization()
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    if (utilization < busy) start(Math.ceil(running.length * 1.25))
  }, lookMs)
  try {
    for (let worker = 0; worker < running.length; worker++) await running[worker]
  } finally {
    clearInterval(timer)
  }
}

import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { runWorkers } from '../../../../../app/cli/allow/import/workers.ts'

describe('workers', () => {
  it('are as many as may be where each of them waits, and all are waited for', async () => {
    const begun: number[] = []
    let ended = 0
    await runWorkers(40, async (worker) => {
      begun.push(worker)
      while (begun.length < 40) await sleep(5)
      ended += 1
    })
    expect(begun).toEqual(Array.from({ length: 40 }, (_, index) => index))
    expect(ended).toBe(40)
  })

  it('stay few where the processor is what they wait for', async () => {
    let most = 0
    const until = performance.now() + 500
    await runWorkers(1000, async (worker) => {
      most = Math.max(most, worker + 1)
      while (performance.now() < until) {
        const busyUntil = performance.now() + 2
        while (performance.now() < busyUntil);
        await turn()
      }
    })
    expect(most).toBe(8)
  })

  it('are no more than the limit from the start', async () => {
    const begun: number[] = []
    await runWorkers(3, async (worker) => void begun.push(worker))
    expect(begun).toEqual([0, 1, 2])
  })
})

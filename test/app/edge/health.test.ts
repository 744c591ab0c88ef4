import { expect, it } from 'vitest'
import { watchHealth } from '../../../app/edge/health.ts'

it('fails where the table is cut off from its other Regions, though old reads still succeed there', async () => {
  const allowList = {
    find: async (_name: string, { consistent }: { consistent?: boolean }) => {
      if (consistent) throw new Error('no quorum')
      return undefined
    },
  }
  expect(await watchHealth({ allowList, now: () => 50_000 })()).toBe(false)
})

it('asks the table at most once in ten seconds, and reports what it found', async () => {
  const world = { now: 50_000, reads: 0, broken: false }
  const allowList = {
    find: async () => {
      world.reads += 1
      if (world.broken) throw new Error('no table')
      return undefined
    },
  }
  const isHealthy = watchHealth({ allowList, now: () => world.now })
  expect(await Promise.all([isHealthy(), isHealthy()])).toEqual([true, true])
  expect(world.reads).toBe(1)
  world.broken = true
  world.now += 9999
  expect(await isHealthy()).toBe(true)
  world.now += 1
  expect(await isHealthy()).toBe(false)
  expect(await isHealthy()).toBe(false)
  world.broken = false
  expect(await isHealthy()).toBe(true)
})

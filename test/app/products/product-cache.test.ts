import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/app-error.ts'
import type { ProductSnapshot } from '../../../app/products/control-table.ts'
import { cacheProducts } from '../../../app/products/product-cache.ts'

function setUp() {
  const world = { now: 1_000_000, reads: 0, broken: false, problems: [] as string[] }
  const cache = cacheProducts({
    read: async () => {
      world.reads += 1
      if (world.broken) throw new Error('no table')
      const snapshot: ProductSnapshot = {
        products: new Map(),
        versions: new Map(),
        signers: [],
        factoryCas: [],
        problems: [],
      }
      return snapshot
    },
    now: () => world.now,
    refreshSeconds: 5,
    timeoutSeconds: 1,
    onProblem: (problem) => world.problems.push(problem),
  })
  return { world, cache }
}

describe('cacheProducts', () => {
  it('reads once for all who ask at the same time, and again when it is due', async () => {
    const { world, cache } = setUp()
    const [one, other] = await Promise.all([cache.fresh(), cache.fresh()])
    expect(one).toBe(other)
    world.now += 4999
    await cache.fresh()
    expect(world.reads).toBe(1)
    world.now += 1
    expect(await cache.fresh()).not.toBe(one)
    expect(world.reads).toBe(2)
  })

  it('goes on with the last good copy, and says since when', async () => {
    const { world, cache } = setUp()
    const good = await cache.fresh()
    world.broken = true
    world.now += 6000
    expect(await cache.fresh()).toBe(good)
    expect(cache.failingSince()).toBe(world.now)
    expect(world.problems).toEqual(["the control table can't be read: Error"])
    world.broken = false
    world.now += 6000
    expect(await cache.fresh()).not.toBe(good)
    expect(cache.failingSince()).toBe(undefined)
  })

  it('fails where there never was a copy, and tries at each request until there is', async () => {
    const { world, cache } = setUp()
    world.broken = true
    await expect(cache.fresh()).rejects.toThrow(AppError)
    await expect(cache.fresh()).rejects.toThrow(AppError)
    expect(world.reads).toBe(2)
    world.broken = false
    await cache.fresh()
    expect(cache.copy()).toBeDefined()
  })
})

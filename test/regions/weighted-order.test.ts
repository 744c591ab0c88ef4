import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { orderByWeight } from '../../regions/weighted-order.ts'

const weights = { 'eu-west-1': 50, 'us-east-1': 30, 'ap-northeast-1': 19, 'sa-east-1': 1 }
const regions = Object.entries(weights).map(([region, weight]) => ({ region, weight }))
const first = (thing: string, among = regions) => orderByWeight(thing, among)[0]?.region
const things = Array.from({ length: 100_000 }, (_, index) => `lamp-${index}`)

describe('orderByWeight', () => {
  it('gives each region its share of 100,000 names, within one percentage point', () => {
    const counts = new Map<string | undefined, number>()
    for (const region of things.map((thing) => first(thing))) {
      counts.set(region, (counts.get(region) ?? 0) + 1)
    }
    for (const { region, weight } of regions) {
      const percent = ((counts.get(region) ?? 0) / things.length) * 100
      expect(Math.abs(percent - weight), region).toBeLessThan(1)
    }
  })

  it('moves only the devices of a region that goes, each to its next candidate', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...Object.keys(weights)), (thing, gone) => {
        const before = orderByWeight(thing, regions).map((it) => it.region)
        const after = orderByWeight(
          thing,
          regions.filter((it) => it.region !== gone),
        ).map((it) => it.region)
        expect(after).toEqual(before.filter((region) => region !== gone))
      }),
    )
  })

  it('moves devices to a region only where its weight grows, and none between others', () => {
    const heavier = regions.map((it) => (it.region === 'sa-east-1' ? { ...it, weight: 11 } : it))
    let moved = 0
    for (const thing of things.slice(0, 5000)) {
      const [before, after] = [first(thing), first(thing, heavier)]
      if (before === after) continue
      expect(after).toBe('sa-east-1')
      moved += 1
    }
    // From 1 of 100 to 11 of 110.
    expect(moved / 5000).toBeCloseTo(0.09, 2)
  })

  it('is the same whatever the order of the regions, and leaves out what has no weight', () => {
    fc.assert(
      fc.property(fc.string(), fc.shuffledSubarray(regions), (thing, some) => {
        expect(orderByWeight(thing, [...some].reverse())).toEqual(orderByWeight(thing, some))
      }),
    )
    expect(orderByWeight('lamp', [{ region: 'eu-west-1', weight: 0 }])).toEqual([])
  })

  it('never changes: a device would move', () => {
    expect(things.slice(0, 8).map((thing) => first(thing))).toMatchInlineSnapshot(`
      [
        "us-east-1",
        "eu-west-1",
        "ap-northeast-1",
        "eu-west-1",
        "ap-northeast-1",
        "eu-west-1",
        "eu-west-1",
        "eu-west-1",
      ]
    `)
  })
})

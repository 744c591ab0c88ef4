import { describe, expect, it } from 'vitest'
import { type Bucket, createQuotas, findDefaultRate, takeToken } from '../../local/quotas.ts'

/** How many of `calls` pass when made at once at `now`. */
function take(bucket: Bucket | undefined, perSecond: number, now: number, calls: number) {
  let passed = 0
  let state = bucket
  for (let call = 0; call < calls; call += 1) {
    const taken = takeToken(state, perSecond, now)
    state = taken.bucket
    if (taken.allowed) passed += 1
  }
  return { bucket: state, passed }
}

describe('a token bucket', () => {
  it('holds one second of its rate and no more, however long it rests', () => {
    const first = take(undefined, 15, 1000, 40)
    const rested = take(first.bucket, 15, 3_600_000, 40)
    expect([first.passed, rested.passed]).toEqual([15, 15])
  })

  it('fills with time', () => {
    const empty = take(undefined, 10, 0, 10).bucket
    expect(take(empty, 10, 99, 1).passed).toBe(0)
    expect(take(empty, 10, 100, 5).passed).toBe(1)
    expect(take(empty, 10, 550, 9).passed).toBe(5)
  })

  it('lets its rate through over a long time, and not more', () => {
    let bucket = take(undefined, 15, 0, 15).bucket
    let passed = 0
    for (let now = 0; now < 60_000; now += 7) {
      const taken = takeToken(bucket, 15, now)
      bucket = taken.bucket
      if (taken.allowed) passed += 1
    }
    expect(passed).toBeGreaterThanOrEqual(895)
    expect(passed).toBeLessThanOrEqual(900)
  })

  it('does not gain from a clock that goes back', () => {
    const empty = take(undefined, 10, 5000, 10).bucket
    expect(take(empty, 10, 1000, 1).passed).toBe(0)
  })

  it('lets one call through at a rate under one, and none at zero', () => {
    expect(take(undefined, 0.5, 0, 3).passed).toBe(1)
    expect(take(undefined, 0, 0, 3).passed).toBe(0)
  })
})

describe('default rates', () => {
  it.each([
    ['eu-west-1', 'CreateThing', 100],
    ['us-west-1', 'CreateThing', 50],
    ['us-west-1', 'AddThingToThingGroup', 60],
    ['eu-west-1', 'CreateCertificateFromCsr', 15],
    ['us-west-1', 'CreateCertificateFromCsr', 15],
    ['eu-west-1', 'CreateKeysAndCertificate', 10],
    ['eu-west-1', 'DescribeThing', 350],
    ['eu-west-1', 'NoSuchCall', undefined],
  ])('%s %s: %s', (region, operation, rate) => {
    expect(findDefaultRate(region, operation)).toBe(rate)
  })
})

describe('quotas', () => {
  const call = { service: 'iot', region: 'eu-west-1', operation: 'AttachPolicy' }
  const passed = (quotas: ReturnType<typeof createQuotas>, of: typeof call, calls: number) =>
    Array.from({ length: calls }, () => quotas.allow(of, 0)).filter(Boolean).length

  it('count each region and each call for itself', () => {
    const quotas = createQuotas()
    expect(passed(quotas, call, 40)).toBe(15)
    expect(passed(quotas, { ...call, region: 'us-west-1' }, 40)).toBe(15)
    expect(passed(quotas, { ...call, operation: 'GetPolicy' }, 40)).toBe(10)
  })

  it('limit nothing in other services by default', () => {
    expect(passed(createQuotas(), { ...call, service: 'dynamodb' }, 1000)).toBe(1000)
  })

  it('follow the latest override that matches, until they are reset', () => {
    const quotas = createQuotas()
    quotas.override({ service: 'iot', perSecond: null })
    expect(passed(quotas, call, 500)).toBe(500)
    quotas.override({ service: 'iot', operation: 'AttachPolicy', perSecond: 3 })
    expect(passed(quotas, call, 40)).toBe(3)
    quotas.override({ service: 'iot', operation: 'AttachPolicy', perSecond: 4 })
    expect(passed(quotas, call, 40)).toBe(4)
    expect(passed(quotas, { ...call, operation: 'GetPolicy' }, 500)).toBe(500)
    quotas.reset()
    expect(passed(quotas, call, 40)).toBe(15)
  })
})

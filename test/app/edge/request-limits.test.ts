import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AppError } from '../../../app/app-error.ts'
import { limitAddresses, limitThings } from '../../../app/edge/request-limits.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Undefined where the request may pass; else what the device is told. */
async function outcome(limited: Promise<void>): Promise<readonly unknown[] | undefined> {
  const error: unknown = await limited.then(
    () => undefined,
    (it: unknown) => it,
  )
  if (error === undefined) return undefined
  if (!(error instanceof AppError) || error.code !== 'too-many-requests') throw error
  return [error.message, error.retryAfterSeconds]
}

/** How many of so many requests pass. */
async function countPassed(times: number, ask: (index: number) => Promise<void>): Promise<number> {
  let passed = 0
  for (let index = 0; index < times; index += 1) {
    if ((await outcome(ask(index))) === undefined) passed += 1
  }
  return passed
}

describe('the limit of an address', () => {
  it('lets so many requests pass, and says when the next one may', async () => {
    const limit = limitAddresses({ requests: 3, perSeconds: 10 })
    expect(await countPassed(3, () => limit('192.0.2.1'))).toBe(3)
    const why = 'too many requests from this address'
    expect(await outcome(limit('192.0.2.1'))).toEqual([why, 10])
    vi.advanceTimersByTime(2500)
    expect(await outcome(limit('192.0.2.1'))).toEqual([why, 8])
    vi.advanceTimersByTime(7499)
    expect(await outcome(limit('192.0.2.1'))).toEqual([why, 1])
  })

  it('begins anew once its seconds are over, whoever kept asking', async () => {
    const limit = limitAddresses({ requests: 2, perSeconds: 10 })
    expect(await countPassed(9, () => limit('192.0.2.1'))).toBe(2)
    vi.advanceTimersByTime(10_001)
    expect(await countPassed(9, () => limit('192.0.2.1'))).toBe(2)
  })

  it.each([
    ['each IPv4 address', '192.0.2.1', '192.0.2.2', 2],
    ['a whole /64 of IPv6', '2001:db8:0:1::1', '2001:db8:0:1:ffff:ffff:ffff:ffff', 1],
    ['the next /64 apart', '2001:db8:0:1::1', '2001:db8:0:2::1', 2],
    ['one address, however it is spelled', '2001:DB8:0:1::1', '2001:db8:0:0001:0:0:0:1', 1],
    ['each peer that is no address', 'unix:1', 'unix:2', 2],
  ])('counts %s', async (_, one, other, passed) => {
    const limit = limitAddresses({ requests: 1, perSeconds: 10 })
    expect(await countPassed(2, (index) => limit(index === 0 ? one : other))).toBe(passed)
  })

  it('is each limiter’s own', async () => {
    const limits = [1, 2].map(() => limitAddresses({ requests: 1, perSeconds: 10 }))
    expect(await Promise.all(limits.map((limit) => outcome(limit('192.0.2.1'))))).toEqual([
      undefined,
      undefined,
    ])
  })
})

describe('the limit of a thing name', () => {
  const why = 'too many requests for this thing name'

  it('is of each address by itself', async () => {
    const limit = limitThings({ requests: 2, perSeconds: 10 })
    expect(await countPassed(5, () => limit('lamp-1', '192.0.2.1'))).toBe(2)
    expect(await outcome(limit('lamp-1', '192.0.2.1'))).toEqual([why, 10])
    expect(await countPassed(5, () => limit('lamp-1', '2001:db8::1'))).toBe(2)
    expect(await countPassed(5, () => limit('lamp-1', '2001:db8::2'))).toBe(0)
  })

  it('is ten times that of all addresses together', async () => {
    const limit = limitThings({ requests: 2, perSeconds: 10 })
    expect(await countPassed(40, (index) => limit('lamp-1', `192.0.2.${index}`))).toBe(20)
    expect(await outcome(limit('lamp-1', '198.51.100.1'))).toEqual([why, 10])
    vi.advanceTimersByTime(10_001)
    expect(await outcome(limit('lamp-1', '198.51.100.1'))).toBe(undefined)
  })

  it('leaves the device its own, however often one stranger asks for its name', async () => {
    const limit = limitThings({ requests: 2, perSeconds: 10 })
    expect(await countPassed(100, () => limit('lamp-1', '203.0.113.7'))).toBe(2)
    expect(await countPassed(2, () => limit('lamp-1', '192.0.2.1'))).toBe(2)
  })

  it('is of one name, whatever was asked for another', async () => {
    const limit = limitThings({ requests: 2, perSeconds: 10 })
    await countPassed(40, (index) => limit('lamp-1', `192.0.2.${index}`))
    expect(await countPassed(3, () => limit('lamp-2', '192.0.2.1'))).toBe(2)
  })
})

import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  assertInTime,
  DeadlineError,
  startDeadline,
  withinDeadline,
} from '../../regions/deadline.ts'

describe('startDeadline', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('aborts its signal when the time is up', () => {
    vi.useFakeTimers()
    const deadline = startDeadline(2)
    vi.advanceTimersByTime(1999)
    expect(deadline.signal.aborted).toBe(false)
    vi.advanceTimersByTime(1)
    expect(deadline.signal.reason).toBeInstanceOf(DeadlineError)
  })

  it('aborts what is under way when the request ends', () => {
    const deadline = startDeadline(10)
    deadline.end()
    expect(deadline.signal.aborted).toBe(true)
    expect(() => assertInTime(deadline.signal)).toThrow(DeadlineError)
  })

  it.each([
    ['the wall clock, after a frozen process thawed', { wall: 21_000, monotonic: 5 }],
    [
      'the monotonic clock, after the wall clock was set back',
      { wall: -50_000, monotonic: 21_000 },
    ],
  ])('refuses the next attempt by %s, before any timer fires', (_, passed) => {
    const clock = { wall: 0, monotonic: 0 }
    const clocks = { wall: () => clock.wall, monotonic: () => clock.monotonic }
    const deadline = startDeadline(20, clocks)
    expect(() => assertInTime(deadline.signal)).not.toThrow()
    Object.assign(clock, passed)
    expect(() => assertInTime(deadline.signal)).toThrow(DeadlineError)
    deadline.end()
  })

  it('lets a signal of somebody else pass until it is aborted', () => {
    const controller = new AbortController()
    expect(() => assertInTime(controller.signal)).not.toThrow()
    controller.abort()
    expect(() => assertInTime(controller.signal)).toThrow(DeadlineError)
  })
})

describe('withinDeadline', () => {
  it('gives what the work gives, or throws what it throws', async () => {
    const { signal } = new AbortController()
    expect(await withinDeadline(signal, Promise.resolve(7))).toBe(7)
    await expect(withinDeadline(signal, Promise.reject(new Error('no')))).rejects.toThrow('no')
  })

  it('waits no longer than the signal for work that knows nothing of it', async () => {
    const controller = new AbortController()
    const waiting = withinDeadline(controller.signal, new Promise(() => {}))
    controller.abort()
    await expect(waiting).rejects.toThrow(DeadlineError)
    await expect(withinDeadline(controller.signal, Promise.resolve(7))).rejects.toThrow(
      DeadlineError,
    )
  })
})

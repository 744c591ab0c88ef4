import { AppError } from '../app-error.ts'
import type { LandfallRequest } from './landfall-request.ts'

/** How far a request's time may be from the edge's own, in seconds. */
export type Freshness = {
  readonly maxAgeSeconds: number
  /** Ahead of it. */
  readonly maxAheadSeconds: number
  readonly nonceSeconds: number
}

/**
 * When a request was issued, epoch milliseconds: its nonce's time, else its `iat`. Throws AppError
 * `stale` where that is too long ago, too far ahead, or nothing this deployment said.
 */
export function getIssueTime(
  { iat, nonce }: Pick<LandfallRequest, 'iat' | 'nonce'>,
  rules: Freshness,
  findNonceTime: (nonce: string) => number | undefined,
  now: number,
): number {
  if (nonce !== undefined) {
    const issuedAt = findNonceTime(nonce)
    if (issuedAt === undefined) throw stale('the nonce is none of this deployment’s')
    // Another edge issued it, whose clock may be ahead.
    const age = (now - issuedAt) / 1000
    if (age > rules.nonceSeconds) throw stale(`the nonce is older than ${rules.nonceSeconds} s`)
    if (age < -rules.maxAheadSeconds) {
      throw stale(`the nonce is more than ${rules.maxAheadSeconds} s ahead`)
    }
    return issuedAt
  }
  const age = (now - (iat ?? 0)) / 1000
  if (age > rules.maxAgeSeconds) {
    throw stale(`iat is ${Math.ceil(age)} s old, and ${rules.maxAgeSeconds} s are allowed`)
  }
  if (age < -rules.maxAheadSeconds) {
    throw stale(`iat is ${Math.ceil(-age)} s ahead, and ${rules.maxAheadSeconds} s are allowed`)
  }
  return iat ?? 0
}

function stale(why: string): AppError {
  return new AppError('stale', why)
}

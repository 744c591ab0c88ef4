import ipaddr from 'ipaddr.js'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { AppError } from '../app-error.ts'

/**
 * A coarse limit of requests per client address, per process, in front of everything that costs:
 * IPv4 by address, IPv6 by its /64. The returned function throws AppError `too-many-requests`.
 */
export function limitAddresses(limit: { requests: number; perSeconds: number }) {
  const limiter = new RateLimiterMemory({ points: limit.requests, duration: limit.perSeconds })
  return async (address: string): Promise<void> => {
    try {
      await limiter.consume(bucketOf(address))
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error
      const retryAfterSeconds = Math.ceil(error.msBeforeNext / 1000)
      throw new AppError('too-many-requests', 'too many requests from this address', {
        retryAfterSeconds,
      })
    }
  }
}

function bucketOf(address: string): string {
  if (!ipaddr.IPv6.isValid(address)) return address
  return ipaddr.IPv6.networkAddressFromCIDR(`${address}/64`).toString()
}

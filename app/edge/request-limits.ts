import ipaddr from 'ipaddr.js'
// The package's main file loads the clients of a dozen stores, 70 KB of every cold start.
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js'
import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js'
import { AppError } from '../app-error.ts'

/** So many requests in so many seconds. */
type Limit = { readonly requests: number; readonly perSeconds: number }

/** All addresses together may ask for one thing name so many times as often as one of them. */
const addressesPerThing = 10

/**
 * A coarse limit of requests per client address, per process, in front of everything that costs:
 * IPv4 by address, IPv6 by its /64. The returned function throws AppError `too-many-requests`.
 */
export function limitAddresses(limit: Limit) {
  const consume = limiterOf(limit, 'too many requests from this address')
  return async (address: string): Promise<void> => await consume(bucketOf(address))
}

/**
 * A limit of requests for one thing name, per process, before any call to AWS: from one address, and ten
 * times that from all together. A stranger who asks for a name can't use up what its device has at its
 * own address. The returned function throws AppError `too-many-requests`.
 */
export function limitThings(limit: Limit) {
  const why = 'too many requests for this thing name'
  const consumeHere = limiterOf(limit, why)
  const consume = limiterOf({ ...limit, requests: limit.requests * addressesPerThing }, why)
  return async (thingName: string, address: string): Promise<void> => {
    await consumeHere(`${thingName} ${bucketOf(address)}`)
    await consume(thingName)
  }
}

function limiterOf({ requests, perSeconds }: Limit, why: string) {
  const limiter = new RateLimiterMemory({ points: requests, duration: perSeconds })
  return async (key: string): Promise<void> => {
    try {
      await limiter.consume(key)
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error
      const retryAfterSeconds = Math.ceil(error.msBeforeNext / 1000)
      throw new AppError('too-many-requests', why, { retryAfterSeconds })
    }
  }
}

function bucketOf(address: string): string {
  if (!ipaddr.IPv6.isValid(address)) return address
  return ipaddr.IPv6.networkAddressFromCIDR(`${address}/64`).toString()
}

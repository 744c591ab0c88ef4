import { findRegion } from '../regions/catalogue.ts'
import rates from './quotas.json' with { type: 'json' }

/**
 * Default rates per second of AWS IoT's control plane, per account, Region and API, of both tiers.
 * Source: "AWS IoT Core endpoints and quotas" and Service Quotas. The V2 lists and the provisioning
 * template and provider calls aren't in Service Quotas' list and take their page's or their sibling's rate.
 */
const defaultRates = new Map<string, { readonly default: number; readonly low: number }>(
  Object.entries(rates),
)

/** A token bucket: `tokens` as of `at` (ms). */
export type Bucket = { readonly tokens: number; readonly at: number }

/** Calls per second that AWS allows by default, or undefined where no quota is known. */
export function findDefaultRate(region: string, operation: string): number | undefined {
  const rate = defaultRates.get(operation)
  return findRegion(region)?.lowQuotaTier ? rate?.low : rate?.default
}

/** Takes one token. The bucket holds one second's worth (AWS publishes no burst), and is full at first. */
export function takeToken(
  bucket: Bucket | undefined,
  perSecond: number,
  now: number,
): { readonly bucket: Bucket; readonly allowed: boolean } {
  const capacity = perSecond > 0 ? Math.max(1, perSecond) : 0
  const elapsedSeconds = bucket ? Math.max(0, now - bucket.at) / 1000 : 0
  const filled = bucket ? bucket.tokens + elapsedSeconds * perSecond : capacity
  const tokens = Math.min(capacity, filled)
  const allowed = tokens >= 1
  return { bucket: { tokens: allowed ? tokens - 1 : tokens, at: now }, allowed }
}

/** A rate set by hand; what it leaves out matches everything. null: no limit. */
export type QuotaOverride = {
  readonly service: string
  readonly operation?: string | undefined
  readonly region?: string | undefined
  readonly perSecond: number | null
}

export type Quotas = {
  /** Counts the call; false where it is over its rate. Only services with known quotas have a default. */
  allow(call: { service: string; region: string; operation: string }, now: number): boolean
  /** A later override wins over an earlier one; one with the same target replaces it. */
  override(quota: QuotaOverride): void
  reset(): void
}

export function createQuotas(): Quotas {
  const buckets = new Map<string, Bucket>()
  let overrides: readonly QuotaOverride[] = []
  return {
    allow({ service, region, operation }, now) {
      const own = overrides.findLast(
        (quota) =>
          quota.service === service &&
          (quota.operation ?? operation) === operation &&
          (quota.region ?? region) === region,
      )
      const byDefault = service === 'iot' ? findDefaultRate(region, operation) : undefined
      const perSecond = own ? own.perSecond : (byDefault ?? null)
      if (perSecond === null) return true
      const key = `${service}/${region}/${operation}`
      const { bucket, allowed } = takeToken(buckets.get(key), perSecond, now)
      buckets.set(key, bucket)
      return allowed
    },
    override(quota) {
      const others = overrides.filter(
        ({ service, operation, region }) =>
          service !== quota.service || operation !== quota.operation || region !== quota.region,
      )
      overrides = [...others, quota]
      buckets.clear()
    },
    reset() {
      overrides = []
      buckets.clear()
    },
  }
}

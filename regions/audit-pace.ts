import { setTimeout as sleep } from 'node:timers/promises'
import type { IoTClient, ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-iot'
import type { FinalizeRequestMiddleware } from '@smithy/types'
import { findRegion } from './catalogue.ts'

/**
 * Default calls per second of the APIs that an audit uses, per account and Region ("AWS IoT Core
 * endpoints and quotas"; `low` is the tier of the Regions with smaller quotas), and the share that
 * an audit takes of it: less where the edges make the same calls.
 */
const quotas: Readonly<Record<string, { default: number; low: number; share: number }>> = {
  ListCertificates: { default: 10, low: 10, share: 0.8 },
  DescribeCertificate: { default: 10, low: 10, share: 0.8 },
  ListPrincipalThings: { default: 10, low: 10, share: 0.8 },
  ListThingPrincipals: { default: 20, low: 20, share: 0.8 },
  ListAttachedPolicies: { default: 15, low: 15, share: 0.8 },
  DetachThingPrincipal: { default: 100, low: 50, share: 0.8 },
  DetachPolicy: { default: 15, low: 15, share: 0.8 },
  UpdateCertificate: { default: 10, low: 10, share: 0.5 },
  DeleteCertificate: { default: 10, low: 10, share: 0.5 },
  AttachPolicy: { default: 15, low: 15, share: 0.5 },
  AttachThingPrincipal: { default: 100, low: 50, share: 0.5 },
  CreatePolicy: { default: 10, low: 10, share: 0.5 },
}

/** Calls per second that an audit allows itself; undefined where it makes no such calls. */
export function auditRate(region: string, operation: string): number | undefined {
  const quota = quotas[operation]
  if (quota === undefined) return undefined
  return quota.share * (findRegion(region)?.lowQuotaTier ? quota.low : quota.default)
}

/** When the next call may go: calls are evenly spaced, without bursts. Times in milliseconds. */
export function nextSlot(last: number | undefined, perSecond: number, now: number): number {
  return last === undefined ? now : Math.max(now, last + 1000 / perSecond)
}

/**
 * Makes a client wait before each try of a call, the SDK's own retries too, as `auditRate` says; times
 * `quotaFactor` where an account's quotas are so many times the default ones.
 */
export function paceAudit(client: IoTClient, region: string, quotaFactor = 1): void {
  const slots = new Map<string, number>()
  const pace: FinalizeRequestMiddleware<ServiceInputTypes, ServiceOutputTypes> =
    (next, context) => async (args) => {
      const operation = (context.commandName ?? '').replace(/Command$/, '')
      const perSecond = auditRate(region, operation)
      if (perSecond !== undefined) {
        const now = performance.now()
        const slot = nextSlot(slots.get(operation), perSecond * quotaFactor, now)
        slots.set(operation, slot)
        if (slot > now) await sleep(slot - now)
      }
      return await next(args)
    }
  client.middlewareStack.addRelativeTo(pace, {
    relation: 'after',
    toMiddleware: 'retryMiddleware',
    name: 'paceAudit',
  })
}

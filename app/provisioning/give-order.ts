import type { AllowList, AllowListRemoval } from './allow-list.ts'
import type { OperatorRegions } from './cut-off.ts'
import type { DeviceEvent, Refusal } from './device-event.ts'
import type { DeviceRecord } from './device-record.ts'
import { transition } from './transition.ts'

/** What an operator's orders stand on. */
export type OrderDeps = {
  readonly allowList: AllowList & AllowListRemoval
  readonly regions: OperatorRegions
  /** Who orders, as the record's history tells it. */
  readonly by: string
  readonly now: () => number
  readonly newAttemptId: () => string
  /** Of one device's order: it bounds every wait. */
  readonly signal: AbortSignal
}

/** Lost races against the device's own requests; each one means that somebody else got on. */
const maxTries = 5

/**
 * What became of an order. `done`: the record is as it wants it, by this write or (`changed` is false)
 * already. `contended`: the record changed under every try.
 */
export type Ordered =
  | {
      readonly type: 'done'
      readonly record: DeviceRecord
      readonly changed: boolean
      /** As it was before the order. */
      readonly previous: DeviceRecord
    }
  | { readonly type: 'refused'; readonly reason: Refusal['reason'] }
  | { readonly type: 'unknown' }
  | { readonly type: 'contended' }

/**
 * Gives one order to one device: a compare-and-swap on its record, tried anew where it is lost. Throws
 * AppError, with `allow-list-unavailable` where it isn't known whether the write landed; the same order
 * may then be given again.
 */
export async function giveOrder(
  deps: Pick<OrderDeps, 'allowList' | 'now' | 'signal'>,
  thingName: string,
  event: DeviceEvent,
): Promise<Ordered> {
  const { allowList, now, signal } = deps
  let record = await allowList.find(thingName, { signal, consistent: true })
  for (let tries = 0; tries < maxTries && record !== undefined; tries++) {
    const outcome = transition(record, event, now())
    if (outcome.type === 'refuse') return { type: 'refused', reason: outcome.refusal.reason }
    if (outcome.type !== 'write') return { type: 'done', record, changed: false, previous: record }
    const result = await allowList.save(record, outcome.next, signal)
    if (result.saved) {
      return { type: 'done', record: outcome.next, changed: true, previous: record }
    }
    record = result.current
  }
  return record === undefined ? { type: 'unknown' } : { type: 'contended' }
}

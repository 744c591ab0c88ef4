import type { DeviceEvent, Refusal } from '../../provisioning/device-event.ts'
import type { DeviceRecord } from '../../provisioning/device-record.ts'
import { transition } from '../../provisioning/transition.ts'
import { CommandFailure } from '../failure.ts'
import type { AllowListAccess } from './allow-list-access.ts'

/** Lost races against the device's own requests; each one means that somebody else got on. */
const maxTries = 5

/** What became of an operator's order; undefined where there is no such device. */
export type Ordered =
  | { readonly kind: 'done'; readonly record: DeviceRecord }
  | { readonly kind: 'refused'; readonly reason: Refusal['reason'] }
  | undefined

/** Gives one order to one device: a compare-and-swap on its record, tried anew where it is lost. */
export async function orderDevice(
  { allowList }: AllowListAccess,
  name: string,
  event: DeviceEvent,
  signal: AbortSignal,
): Promise<Ordered> {
  let record = await allowList.find(name, { signal, consistent: true })
  for (let tries = 0; tries < maxTries && record !== undefined; tries++) {
    const outcome = transition(record, event, Date.now())
    if (outcome.type === 'refuse') return { kind: 'refused', reason: outcome.refusal.reason }
    if (outcome.type !== 'write') return { kind: 'done', record }
    const result = await allowList.save(record, outcome.next, signal)
    if (result.saved) return { kind: 'done', record: outcome.next }
    record = result.current
  }
  if (record === undefined) return undefined
  throw new CommandFailure(`${name} changes faster than it can be written`, { hint: 'try again' })
}

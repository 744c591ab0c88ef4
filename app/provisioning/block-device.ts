import type { ObservedCertificate } from '../../regions/iot-audit.ts'
import { type CutOff, cutOffAll, findHanging } from './cut-off.ts'
import { type DeviceRecord, isNamedNowhere } from './device-record.ts'
import { giveOrder, type OrderDeps, type Ordered } from './give-order.ts'

export type Blocked = {
  readonly type: 'blocked'
  readonly record: DeviceRecord
  /** What the record listed, and what else hung on the device's thing. */
  readonly cutOffs: readonly CutOff[]
  /** What keeps the device from being known to be cut off, a sentence each. */
  readonly problems: readonly string[]
}

/**
 * Takes a device out of service: the record first, by one compare-and-swap, so that nothing under way can
 * become usable any more; then what the record lists is made INACTIVE and detached, and read back. What
 * else hangs on its thing goes too, as the sweeper would see to it later: seen first, the record read
 * after that, so that it can't be the identity that a later order let the device have. A device that
 * something else provisioned has a certificate somewhere: where none is found, that is a problem.
 */
export async function blockDevice(
  deps: OrderDeps,
  thingName: string,
): Promise<Blocked | Exclude<Ordered, { type: 'done' }>> {
  const event = { type: 'block', by: deps.by, attemptId: deps.newAttemptId() } as const
  const ordered = await giveOrder(deps, thingName, event)
  if (ordered.type !== 'done') return ordered
  const { record } = ordered
  const [listed, hanging] = await Promise.all([
    cutOffAll(deps, record.superseded),
    findHanging(deps, record),
  ])
  const more = await cutOffHanging(deps, thingName, hanging.certificates)
  const cutOffs = [...listed, ...more.cutOffs]
  const failed = cutOffs.flatMap((it) => (it.state === 'failed' ? [describeFailure(it)] : []))
  const unseen = [...hanging.problems].flatMap(([region, problem]) =>
    cutOffs.some((it) => it.region === region && it.state === 'failed') ? [] : [problem],
  )
  const missing = isNamedNowhere(ordered.previous) && cutOffs.length === 0 ? [unfound] : []
  const problems = [...failed, ...unseen, ...more.problems, ...missing]
  return { type: 'blocked', record, cutOffs, problems }
}

const unfound =
  'something else provisioned it, and its certificate was not found: look for it in each region and account that it may be of'

async function cutOffHanging(
  deps: OrderDeps,
  thingName: string,
  certificates: readonly ObservedCertificate[],
): Promise<{ cutOffs: CutOff[]; problems: string[] }> {
  if (certificates.length === 0) return { cutOffs: [], problems: [] }
  const { allowList, signal } = deps
  const now = await allowList.find(thingName, { signal, consistent: true })
  if (now?.status !== 'blocked') return { cutOffs: [], problems: [] }
  const shared = certificates.filter((it) => it.things.some((name) => name !== thingName))
  const own = certificates.filter((it) => it.things.length > 0 && !shared.includes(it))
  return {
    cutOffs: await cutOffAll(deps, own),
    problems: shared.map(
      ({ certificateId, region, things }) =>
        `${certificateId} in ${region} hangs on ${things.join(', ')}: detach it by hand`,
    ),
  }
}

export function describeFailure({ certificateId, region, problem }: CutOff): string {
  return `${certificateId} in ${region}: ${problem ?? 'failed'}`
}

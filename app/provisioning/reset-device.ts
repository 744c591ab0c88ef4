import { AppError } from '../app-error.ts'
import { describeFailure } from './block-device.ts'
import { type CutOff, cutOffAll } from './cut-off.ts'
import { giveOrder, type OrderDeps, type Ordered } from './give-order.ts'

export type ResetOutcome =
  /** The device may ask again; `cutOffs` is what it had. */
  | { readonly type: 'reset'; readonly cutOffs: readonly CutOff[] }
  /** It had nothing, and may ask already. */
  | { readonly type: 'nothing' }
  /** What it had is given up, but may still be usable, until whoever asks next has seen to it. */
  | {
      readonly type: 'unfinished'
      readonly cutOffs: readonly CutOff[]
      readonly problems: readonly string[]
    }
  | Exclude<Ordered, { type: 'done' }>

/**
 * For so long a reset that died keeps requests waiting; one that is under way for longer loses its record
 * to the next request, which then deactivates what is superseded itself.
 */
const leaseSeconds = 15

/**
 * Lets a device provision anew. The record first: it gives up the certificate, under an attempt id of the
 * reset's own, so that an attempt under way can't commit. Then what it had is INACTIVE and detached, read
 * back. A fenced write ends it: the device may ask only where all of that was seen.
 */
export async function resetDevice(deps: OrderDeps, thingName: string): Promise<ResetOutcome> {
  const { by } = deps
  const attemptId = deps.newAttemptId()
  const ordered = await giveOrder(deps, thingName, { type: 'reset', by, attemptId, leaseSeconds })
  if (ordered.type !== 'done') return ordered
  if (!ordered.changed) return { type: 'nothing' }
  const cutOffs = await cutOffAll(deps, ordered.record.superseded)
  const problems = cutOffs.flatMap((it) => (it.state === 'failed' ? [describeFailure(it)] : []))
  if (problems.length > 0) return { type: 'unfinished', cutOffs, problems }
  try {
    const freed = await giveOrder(deps, thingName, { type: 'free', attemptId })
    if (freed.type === 'unknown') return freed
    if (freed.type === 'contended') throw new AppError('in-progress', 'its record kept changing')
    // Somebody blocked it meanwhile.
    if (freed.type === 'done' && freed.record.status === 'blocked') {
      return { type: 'refused', reason: 'blocked' }
    }
    return { type: 'reset', cutOffs }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const problem = `${error.message}; its claim ends by itself within ${leaseSeconds} s`
    return { type: 'unfinished', cutOffs, problems: [problem] }
  }
}

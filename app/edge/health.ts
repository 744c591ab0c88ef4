import type { AllowList } from '../provisioning/allow-list.ts'

/** A name that no device can have: the read proves the table's reach and finds nothing. */
const probeName = '/healthz'
const freshSeconds = 10
const probeSeconds = 3

/**
 * Whether this edge could read its allow-list within the last ten seconds. Asks the table only when it
 * doesn't know, and once for all who ask meanwhile. DNS fails over on the answer.
 *
 * The read is consistent: where a Region is cut off from the others of a strongly consistent table, an
 * eventually consistent one still succeeds there, while no device could be claimed (DynamoDB Developer
 * Guide, "How global tables work", fault injection testing).
 */
export function watchHealth(deps: { allowList: Pick<AllowList, 'find'>; now: () => number }) {
  let readAt = Number.NEGATIVE_INFINITY
  let probing: Promise<void> | undefined

  async function probe(): Promise<void> {
    try {
      const askedAt = deps.now()
      const signal = AbortSignal.timeout(probeSeconds * 1000)
      await deps.allowList.find(probeName, { signal, consistent: true })
      readAt = askedAt
    } catch {
      // The time of the last good read says it.
    } finally {
      probing = undefined
    }
  }

  const isFresh = () => Math.abs(deps.now() - readAt) < freshSeconds * 1000
  return async (): Promise<boolean> => {
    if (isFresh()) return true
    probing ??= probe()
    await probing
    return isFresh()
  }
}

import { AppError } from '../app-error.ts'
import type { ProductSnapshot } from './control-table.ts'

/** The last good copy of the products and what is read beside them, and the way to a newer one. */
export type ProductCache<S extends ProductSnapshot = ProductSnapshot> = {
  /** The copy at hand, however old; undefined before the first good read. */
  copy(): S | undefined
  /**
   * A copy no older than the refresh time, read where need be (once for all who ask at the same
   * time). Where the table can't be read: the last good copy. Throws AppError `products-unavailable`
   * where there is none.
   */
  fresh(): Promise<S>
  /** Since when the reads have failed, epoch milliseconds; undefined while they succeed. */
  failingSince(): number | undefined
}

export function cacheProducts<S extends ProductSnapshot>(deps: {
  read: (signal: AbortSignal) => Promise<S>
  now: () => number
  refreshSeconds: number
  timeoutSeconds: number
  onProblem: (problem: string) => void
}): ProductCache<S> {
  let copy: S | undefined
  let triedAt = Number.NEGATIVE_INFINITY
  let failingSince: number | undefined
  let reading: Promise<void> | undefined

  async function refresh(): Promise<void> {
    try {
      const read = await deps.read(AbortSignal.timeout(deps.timeoutSeconds * 1000))
      copy = read
      failingSince = undefined
      read.problems.forEach(deps.onProblem)
    } catch (error) {
      failingSince ??= deps.now()
      const why = error instanceof Error ? error.name : 'unknown failure'
      deps.onProblem(`the control table can't be read: ${why}`)
    } finally {
      triedAt = deps.now()
      reading = undefined
    }
  }

  return {
    copy: () => copy,
    failingSince: () => failingSince,
    async fresh() {
      const age = deps.now() - triedAt
      // A failed read is tried again only after the refresh time too, unless there is no copy at all.
      const due = age < 0 || age >= deps.refreshSeconds * 1000 || copy === undefined
      if (due) {
        reading ??= refresh()
        await reading
      }
      if (copy !== undefined) return copy
      throw new AppError('products-unavailable', 'the products could not be read yet')
    },
  }
}

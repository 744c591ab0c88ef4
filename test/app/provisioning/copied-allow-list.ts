import type { AllowList } from '../../../app/provisioning/allow-list.ts'
import type { DeviceRecord } from '../../../app/provisioning/device-record.ts'

/**
 * An allow-list with a copy in front of each edge, as an eventually consistent global table has: a
 * condition is checked against the edge's own copy, so is a "consistent" read, and what one copy wrote
 * reaches the others when `replicate` is called. There the last writer wins.
 */
export type CopiedAllowList = {
  /** The n-th copy, from 0. */
  copy(n: number): AllowList
  add(record: DeviceRecord): void
  /** Every write reaches every copy. */
  replicate(): void
}

type Write = { readonly record: DeviceRecord; readonly order: number }

/** With one copy it is what the protocol demands: each save is compared with the newest write. */
export function copiedAllowList(copies: number): CopiedAllowList {
  const rows = Array.from({ length: copies }, () => new Map<string, Write>())
  let writes = 0

  function put(copy: Map<string, Write>, record: DeviceRecord): void {
    writes += 1
    copy.set(record.thingName, { record, order: writes })
  }

  function open(own: Map<string, Write>): AllowList {
    const recordOf = (thingName: string) => own.get(thingName)?.record
    return {
      find: async (thingName) => recordOf(thingName),
      async save(previous, next) {
        const current = recordOf(next.thingName)
        const holds = current?.rev === previous.rev && current?.status === previous.status
        if (!holds) return { saved: false, current }
        put(own, next)
        return { saved: true }
      },
    }
  }

  return {
    copy(n) {
      const own = rows[n]
      if (own === undefined) throw new Error(`there is no copy ${n}`)
      return open(own)
    },
    add(record) {
      for (const copy of rows) put(copy, record)
    },
    replicate() {
      const newest = new Map<string, Write>()
      for (const copy of rows) {
        for (const [name, write] of copy) {
          if ((newest.get(name)?.order ?? 0) < write.order) newest.set(name, write)
        }
      }
      for (const copy of rows) for (const [name, write] of newest) copy.set(name, write)
    },
  }
}

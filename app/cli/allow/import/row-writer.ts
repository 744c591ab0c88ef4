import { isDeepStrictEqual } from 'node:util'
import { renderRow } from '../../../allowlist/device-row.ts'
import type { DynamoAllowList } from '../../../allowlist/dynamo-allow-list.ts'
import type { DeviceDetails } from '../../../provisioning/device-event.ts'
import { allowedDevice, type DeviceRecord } from '../../../provisioning/device-record.ts'
import { transition } from '../../../provisioning/transition.ts'
import type { CheckedRow } from './check-row.ts'

/**
 * What became of a row. `present`: a row of that name was there, and nothing else was asked. With
 * `--update` it is told apart: `amended`, `same` (it says so already), `kept` (claimed, provisioned or
 * blocked: never touched).
 */
export const rowEnds = ['added', 'present', 'amended', 'same', 'kept'] as const
export type RowEnd = (typeof rowEnds)[number]

export type RowWriter = {
  /**
   * Throws AppError where the table can't be asked. `again`: an earlier try's outcome isn't known, so the
   * row that is there may be its own; `now`, epoch milliseconds, is then the same.
   */
  write(row: CheckedRow, now: number, again: boolean): Promise<RowEnd>
}

/** What is under way ends by itself: Ctrl-C cuts no write. */
const { signal } = new AbortController()

type Deps = {
  readonly allowList: DynamoAllowList
  /** Who imports, as the record's history tells it. */
  readonly by: string
}

/** Lost races against the device's own requests; each one means that somebody else got on. */
const maxTries = 5

/** Adds each row by one conditional write; with `update`, amends those whose devices nobody has begun with. */
export function rowWriter(deps: Deps & { readonly update: boolean }): RowWriter {
  const { allowList, update, by } = deps
  return {
    async write({ thingName, details }, now, again) {
      const record = allowedDevice(thingName, now, { ...details, by })
      if (await allowList.add(record)) return 'added'
      if (!update && !again) return 'present'
      const current = await allowList.find(thingName, { signal, consistent: true })
      if (again && current !== undefined && isSame(current, record)) return 'added'
      return update ? await amend(deps, current, details, now) : 'present'
    },
  }
}

/** Reads only: what `write` would do with each row, as the table is now. */
export function rowReader(deps: Deps & { readonly update: boolean }): RowWriter {
  const { allowList, update } = deps
  return {
    async write({ thingName, details }, now) {
      const current = await allowList.find(thingName, { signal })
      if (current === undefined) return 'added'
      if (!update) return 'present'
      const outcome = transition(current, { type: 'amend', by: deps.by, details }, now)
      return outcome.type === 'write' ? 'amended' : outcome.type === 'done' ? 'same' : 'kept'
    },
  }
}

async function amend(
  { allowList, by }: Deps,
  read: DeviceRecord | undefined,
  details: DeviceDetails,
  now: number,
): Promise<RowEnd> {
  let record = read
  for (let tries = 0; tries < maxTries && record !== undefined; tries++) {
    const outcome = transition(record, { type: 'amend', by, details }, now)
    if (outcome.type === 'done') return 'same'
    if (outcome.type !== 'write') return 'kept'
    const result = await allowList.save(record, outcome.next, signal)
    if (result.saved) return 'amended'
    record = result.current
  }
  // Removed, or changed by others at each try: whoever does that has begun with it.
  return 'kept'
}

/** Another's row of the same name, millisecond, caller and details would be no other. */
function isSame(one: DeviceRecord, other: DeviceRecord): boolean {
  return isDeepStrictEqual(renderRow(one), renderRow(other))
}

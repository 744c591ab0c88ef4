import { isSameRow } from '../../../allowlist/device-row.ts'
import type { DynamoAllowList } from '../../../allowlist/dynamo-allow-list.ts'
import type { DeviceDetails } from '../../../provisioning/device-event.ts'
import { allowedDevice, type DeviceRecord } from '../../../provisioning/device-record.ts'
import { transition } from '../../../provisioning/transition.ts'
import type { CheckedRow, RowRules } from './check-row.ts'
import { findRecordProblem } from './record-problem.ts'

/**
 * What became of a row. `present`: a row of that name was there, and nothing else was asked. With
 * `--update` it is told apart: `amended`, `same` (it says so already), `kept` (claimed, provisioned or
 * blocked: never touched).
 */
export const rowEnds = ['added', 'present', 'amended', 'same', 'kept'] as const
export type RowEnd = (typeof rowEnds)[number]
/** What only showed once the device's record was read. */
export type LateReject = { readonly problem: string }

export type RowWriter = {
  /**
   * Throws AppError where the table can't be asked. `again`: an earlier try's outcome isn't known, so the
   * row that is there may be its own; `now`, epoch milliseconds, is then the same.
   */
  write(row: CheckedRow, now: number, again: boolean): Promise<RowEnd | LateReject>
}

/** What is under way ends by itself: Ctrl-C cuts no write. */
const { signal } = new AbortController()

type Deps = {
  readonly allowList: DynamoAllowList
  /** Who imports, as the record's history tells it. */
  readonly by: string
  readonly rules: RowRules
}

/** Lost races against the device's own requests; each one means that somebody else got on. */
const maxTries = 5

/**
 * Adds each row by one conditional write; with `update`, amends those whose devices nobody has begun with.
 * A row that makes no whole record can only amend one: it is never added.
 */
export function rowWriter(deps: Deps): RowWriter {
  const { allowList, by, rules } = deps
  const update = rules.update === true
  return {
    async write({ thingName, details }, now, again) {
      const problem = update ? findRecordProblem(details, rules) : undefined
      const record = allowedDevice(thingName, now, { ...details, by })
      if (problem === undefined && (await allowList.add(record))) return 'added'
      if (!update && !again) return 'present'
      const current = await allowList.find(thingName, { signal, consistent: true })
      if (problem !== undefined && current === undefined) return { problem }
      // Another's row of the same name, millisecond, caller and details would be no other.
      if (again && current !== undefined && isSameRow(current, record)) return 'added'
      return update ? await amend(deps, current, details, now) : 'present'
    },
  }
}

/** Reads only: what `write` would do with each row, as the table is now. */
export function rowReader(deps: Deps): RowWriter {
  const { allowList, rules } = deps
  return {
    async write({ thingName, details }, now) {
      const current = await allowList.find(thingName, { signal })
      if (current === undefined) {
        const problem = findRecordProblem(details, rules)
        return problem === undefined ? 'added' : { problem }
      }
      if (rules.update !== true) return 'present'
      const change = judgeChange(deps, current, details, now)
      return typeof change === 'object' && 'next' in change ? 'amended' : change
    },
  }
}

async function amend(
  deps: Deps,
  read: DeviceRecord | undefined,
  details: DeviceDetails,
  now: number,
): Promise<RowEnd | LateReject> {
  let record = read
  for (let tries = 0; tries < maxTries && record !== undefined; tries++) {
    const change = judgeChange(deps, record, details, now)
    if (typeof change === 'string' || !('next' in change)) return change
    const result = await deps.allowList.save(record, change.next, signal)
    if (result.saved) return 'amended'
    record = result.current
  }
  // Removed, or changed by others at each try: whoever does that has begun with it.
  return 'kept'
}

/** The record as the row leaves it, held to its product as a whole. */
function judgeChange(
  { by, rules }: Deps,
  record: DeviceRecord,
  details: DeviceDetails,
  now: number,
): { readonly next: DeviceRecord } | LateReject | 'same' | 'kept' {
  const outcome = transition(record, { type: 'amend', by, details }, now)
  if (outcome.type === 'done') return 'same'
  if (outcome.type !== 'write') return 'kept'
  const problem = findRecordProblem(outcome.next, rules)
  return problem === undefined ? { next: outcome.next } : { problem }
}

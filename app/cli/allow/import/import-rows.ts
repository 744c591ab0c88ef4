import { setTimeout as sleep } from 'node:timers/promises'
import { awsFailure } from '../../aws-failure.ts'
import { CommandFailure, errorMessage } from '../../failure.ts'
import { type CheckedRow, checkRow, type RowRules } from './check-row.ts'
import { afterAccepted, afterThrottled, freshPace, takeTurn } from './pace.ts'
import { withoutPrivateKey } from './private-key.ts'
import type { RejectsFile } from './rejects-file.ts'
import type { LateReject, RowEnd, RowWriter } from './row-writer.ts'
import { seenNames } from './seen-names.ts'
import type { SourceRow } from './source-row.ts'
import { judgeFailure } from './table-failure.ts'
import { runWorkers } from './workers.ts'

export type Tally = Record<RowEnd | 'rejected', number> & {
  rows: number
  /** Answers of the table that it throttles. */
  throttled: number
}

export type Imported = {
  /** The first line of which it isn't sure that its row is done; undefined: all are. */
  readonly nextLine: number | undefined
  /** What ended it early, unless it was told to stop. */
  readonly failure: unknown
}

type Deps = {
  readonly rows: AsyncIterator<SourceRow>
  readonly rules: RowRules
  readonly writer: RowWriter
  readonly rejects: Pick<RejectsFile, 'add'>
  /** Rows at once, at most. */
  readonly parallel: number
  /** Rows that begin in an earlier line are passed over. */
  readonly fromLine: number
  /** Ends it at a row boundary: what is under way is finished. */
  readonly signal: AbortSignal
  /** Counted on while it runs. */
  readonly tally: Tally
}

export function freshTally(): Tally {
  const ends = { added: 0, present: 0, amended: 0, same: 0, kept: 0 }
  return { ...ends, rejected: 0, rows: 0, throttled: 0 }
}

/** Tries of one row whose outcome isn't known; with the waits between them, half a minute. */
const mostTries = 8
const patienceMs = 120_000

/**
 * Brings rows to the table, several at once, at the pace that it takes. Holds no more than the rows under
 * way. Of several rows of one name the first counts; the others are rejected.
 */
export async function importRows(deps: Deps): Promise<Imported> {
  const { rows, rules, writer, rejects, signal, tally } = deps
  const seen = seenNames()
  const lines = new Map<number, number>()
  let lastLine = 0
  let failure: unknown
  let pace = freshPace(performance.now())
  /** Since when the table has only throttled. */
  let throttledSince: number | undefined
  const goesOn = () => failure === undefined && !signal.aborted

  let gate = Promise.resolve()

  /** One after the other, so that a change of pace holds for all who wait, and none of them bunch up. */
  async function turn(): Promise<void> {
    if (pace.perSecond === undefined) return
    gate = gate.then(async () => {
      const now = performance.now()
      const taken = takeTurn(pace, now)
      pace = taken.pace
      if (taken.at > now) await sleep(taken.at - now)
    })
    await gate
  }

  /** Undefined where it was told to stop before the outcome was known. */
  async function settle(row: CheckedRow): Promise<RowEnd | LateReject | undefined> {
    const allowedAt = Date.now()
    let unknown = 0
    for (let first = true; first || goesOn(); first = false) {
      await turn()
      try {
        const end = await writer.write(row, allowedAt, unknown > 0)
        throttledSince = undefined
        pace = afterAccepted(pace, performance.now())
        return end
      } catch (error) {
        const kind = judgeFailure(error)
        if (kind === 'unreadable') return { problem: errorMessage(error) }
        const now = performance.now()
        if (kind === 'throttled') {
          tally.throttled++
          pace = afterThrottled(pace, now)
          throttledSince ??= now
          if (now - throttledSince < patienceMs) continue
        }
        if (kind !== 'unknown' || ++unknown >= mostTries) {
          throw awsFailure(`${row.thingName} wasn’t imported`, error)
        }
        await sleep(Math.random() * Math.min(10_000, 100 * 2 ** unknown), undefined, { signal })
      }
    }
    return undefined
  }

  function check(row: SourceRow): CheckedRow | { readonly problem: string } {
    if (row.values === undefined) return { problem: row.problem }
    const checked = checkRow(row.values, rules)
    if ('problem' in checked || seen.isNew(checked.thingName)) return checked
    return { problem: 'thing_name stands in an earlier line, too: that one counts' }
  }

  /** False where the row wasn't done. */
  async function bring(row: SourceRow): Promise<boolean> {
    const checked = check(row)
    const end = 'problem' in checked ? checked : await settle(checked)
    if (end === undefined) return false
    if (typeof end === 'string') tally[end]++
    else {
      // It quotes what is wrong, and that may be a key in another column than its own.
      await rejects.add(row, withoutPrivateKey(end.problem, 'loose'))
      tally.rejected++
    }
    return true
  }

  async function nextRow(): Promise<SourceRow | undefined> {
    try {
      const { value, done } = await rows.next()
      return done === true ? undefined : value
    } catch (error) {
      // Whoever stops it closes the file.
      if (signal.aborted) return undefined
      throw error
    }
  }

  async function work(worker: number): Promise<void> {
    while (goesOn()) {
      const row = await nextRow()
      if (row === undefined) return
      if (row.line < deps.fromLine) {
        // Passed over, but of several rows of its name it is the first all the same.
        check(row)
        continue
      }
      lastLine = Math.max(lastLine, row.line)
      lines.set(worker, row.line)
      if (!goesOn() || !(await bring(row))) return
      tally.rows++
      lines.delete(worker)
    }
  }

  async function workOn(worker: number): Promise<void> {
    try {
      await work(worker)
    } catch (error) {
      // Told to stop while it waited for its next try: that is no failure.
      if (!signal.aborted || error instanceof CommandFailure) failure ??= error
    }
  }

  await runWorkers(deps.parallel, workOn)
  const complete = failure === undefined && !signal.aborted && lines.size === 0
  const nextLine = Math.min(...lines.values(), Math.max(deps.fromLine, lastLine + 1))
  return { nextLine: complete ? undefined : nextLine, failure }
}

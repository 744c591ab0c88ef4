import { AppError } from '../../app-error.ts'
import { awsFailure } from '../aws-failure.ts'
import { CommandFailure } from '../failure.ts'
import type { CommandContext } from '../program.ts'

/** Less than a region's quotas allow, so that edges are served beside it. */
const concurrency = 4
/** Of one device, with everything that is asked for it. */
const deviceSeconds = 120
const goOn = 'what was done stands; the same command again goes on'

/** The row of a device is no device record; `unreadable` names the attributes. */
export type Unreadable = { readonly type: 'unreadable'; readonly unreadable: string }

/**
 * Does `work` for each device, some at once, and reports each in the order of the names. A row that is no
 * device record is its device's failure; what else is thrown (the table's failures, that is) ends the
 * command, once what is under way is done. So does Ctrl-C: no device is left halfway.
 */
export async function eachDevice<T>(
  names: readonly string[],
  context: CommandContext,
  steps: {
    /** For a failure: `lamp-1 wasn’t blocked`. */
    readonly failing: (name: string) => string
    readonly work: (name: string, signal: AbortSignal) => Promise<T>
    readonly report: (name: string, result: T | Unreadable) => void
  },
): Promise<void> {
  const { signal, terminal } = context
  const queue = names.values()
  const underWay: { name: string; ended: Promise<PromiseSettledResult<T>> }[] = []
  let failure: CommandFailure | undefined
  let done = 0

  function begin(): void {
    const { value: name } = failure === undefined && !signal.aborted ? queue.next() : {}
    if (name === undefined) return
    const work = steps.work(name, AbortSignal.timeout(deviceSeconds * 1000))
    underWay.push({ name, ended: Promise.allSettled([work]).then(([it]) => it) })
  }

  for (let n = 0; n < concurrency; n++) begin()
  for (let next = underWay.shift(); next !== undefined; next = underWay.shift()) {
    const ended = await next.ended
    if (ended.status === 'fulfilled') {
      steps.report(next.name, ended.value)
      done++
    } else if (ended.reason instanceof AppError && ended.reason.code === 'conflict') {
      steps.report(next.name, { type: 'unreadable', unreadable: ended.reason.message })
      done++
    } else failure ??= asFailure(steps.failing(next.name), ended.reason)
    begin()
  }
  if (failure !== undefined) {
    if (names.length > 1) terminal.note(`note: ${done} of ${names.length} devices were dealt with`)
    throw failure
  }
  if (done < names.length) {
    throw new CommandFailure(`interrupted after ${done} of ${names.length} devices`, {
      hint: goOn,
    })
  }
}

function asFailure(doing: string, error: unknown): CommandFailure {
  const { message, hint = goOn, cause } = awsFailure(doing, error)
  return new CommandFailure(message, { hint, cause })
}

/** The end of a request's time: `signal` aborts every call that is still under way then. */
export type Deadline = {
  readonly signal: AbortSignal
  /** Abandons what is still under way; called before the answer leaves. */
  end(): void
}

export class DeadlineError extends Error {
  constructor() {
    super("the request's time is up")
    this.name = 'DeadlineError'
  }
}

type Clocks = { readonly wall: () => number; readonly monotonic: () => number }

const systemClocks: Clocks = { wall: () => Date.now(), monotonic: () => performance.now() }
const remaining = new WeakMap<AbortSignal, () => number>()

/**
 * Starts a request's clock. A frozen Lambda thaws with its timers late and its monotonic clock behind,
 * and a stepped wall clock lies the other way: time is up as soon as either of them says so.
 */
export function startDeadline(seconds: number, clocks: Clocks = systemClocks): Deadline {
  const controller = new AbortController()
  const milliseconds = seconds * 1000
  const wallEnd = clocks.wall() + milliseconds
  const monotonicEnd = clocks.monotonic() + milliseconds
  const millisecondsLeft = () =>
    Math.min(wallEnd - clocks.wall(), monotonicEnd - clocks.monotonic())
  const timer = setTimeout(() => controller.abort(new DeadlineError()), milliseconds)
  timer.unref()
  remaining.set(controller.signal, millisecondsLeft)
  return {
    signal: controller.signal,
    end() {
      clearTimeout(timer)
      controller.abort(new DeadlineError())
    },
  }
}

/** A deadline within another: up after so many seconds, or with the outer one, whichever is first. */
export function shorterDeadline(outer: AbortSignal, seconds: number): Deadline {
  const inner = startDeadline(seconds)
  const [left, outerLeft] = [remaining.get(inner.signal), remaining.get(outer)]
  const none = () => Number.POSITIVE_INFINITY
  remaining.set(inner.signal, () => Math.min((left ?? none)(), (outerLeft ?? none)()))
  outer.addEventListener('abort', inner.end, { once: true })
  if (outer.aborted) inner.end()
  return {
    signal: inner.signal,
    end() {
      outer.removeEventListener('abort', inner.end)
      inner.end()
    },
  }
}

/** Throws where the signal belongs to a deadline that has passed, even if its timer hasn't fired yet. */
export function assertInTime(signal: AbortSignal): void {
  const left = remaining.get(signal)?.() ?? Number.POSITIVE_INFINITY
  if (signal.aborted || left <= 0) throw new DeadlineError()
}

/**
 * Waits for work that knows nothing of the signal, or of which others wait too, no longer than the
 * signal allows; throws DeadlineError then. The work itself goes on.
 */
export async function withinDeadline<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => {})
  assertInTime(signal)
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new DeadlineError())
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** One request to the AWS endpoint, noted when it was answered (or given up). Times in ms since 1970. */
export type Call = {
  /** Counts up from 1 in the order of the endings. */
  readonly seq: number
  /** Of the credential scope; null where there was none. */
  readonly service: string | null
  readonly region: string | null
  /** null where the stand-in has no such operation or the caller wasn't authenticated. */
  readonly operation: string | null
  /** The ARN that permission was looked up for, `*` where the operation names none; null without operation. */
  readonly resource: string | null
  /** The HTTP status; 0 where the client got no answer. */
  readonly status: number
  /** The error's code, or the fault's kind where there was no answer. */
  readonly error?: string
  /** The caller's ARN, or null before it was authenticated. */
  readonly caller: string | null
  readonly startedAt: number
  readonly endedAt: number
}

export type CallLog = {
  add(call: Omit<Call, 'seq'>): void
  /** The calls noted after `seq`, oldest first. */
  after(seq: number): readonly Call[]
  clear(): void
}

/** Keeps the last `limit` calls. Clearing doesn't start the count again. */
export function createCallLog(limit = 100_000): CallLog {
  let calls: Call[] = []
  let lastSeq = 0
  return {
    add(call) {
      lastSeq += 1
      calls.push({ seq: lastSeq, ...call })
      // Cut in blocks: a shift at each call would copy the array each time.
      if (calls.length > limit * 1.1) calls = calls.slice(-limit)
    },
    after(seq) {
      const kept = calls.slice(-limit)
      return kept.slice(kept.length - Math.min(kept.length, Math.max(0, lastSeq - seq)))
    },
    clear() {
      calls = []
    },
  }
}

/**
 * Why a command ends: `message` says what went wrong, `hint` what to do about it.
 * `misuse` is exit code 2 (the command line itself is wrong), `failed` is exit code 1, unless the command
 * documents a code of its own.
 */
export class CommandFailure extends Error {
  readonly kind: 'failed' | 'misuse'
  readonly hint: string | undefined
  readonly exitCode: number

  constructor(
    message: string,
    options: { hint?: string; kind?: 'failed' | 'misuse'; exitCode?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CommandFailure'
    this.kind = options.kind ?? 'failed'
    this.hint = options.hint
    this.exitCode = options.exitCode ?? (this.kind === 'misuse' ? 2 : 1)
  }
}

/** A misuse: the command line asks for something that makes no sense. */
export function misuse(message: string, hint?: string): CommandFailure {
  return new CommandFailure(message, { kind: 'misuse', ...(hint === undefined ? {} : { hint }) })
}

/** As a shell says of what a signal ended. */
export const exitInterrupted = 130

/** Ended by Ctrl-C, whether it came as a signal or, at a question, as a key. */
export function interrupted(message: string): CommandFailure {
  return new CommandFailure(message, { exitCode: exitInterrupted })
}

/** The system error code ("ECONNREFUSED") of an error or of what caused it, if there is one. */
export function findErrorCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code
  }
  return undefined
}

export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // An AggregateError (both address families refused) has no message of its own.
  if (error.message === '') return findErrorCode(error) ?? error.name
  return error.message
}

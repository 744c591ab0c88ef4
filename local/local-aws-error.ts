/** Why AWS on one machine could not start. */
export type LocalAwsErrorCode =
  | 'bad-option'
  | 'folder-in-use'
  | 'folder-unreadable'
  | 'address-taken'

/** A start that failed; `hint` says in a sentence what the user can do. */
export class LocalAwsError extends Error {
  readonly code: LocalAwsErrorCode
  readonly hint: string

  constructor(code: LocalAwsErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LocalAwsError'
    this.code = code
    this.hint = hint
  }
}

import { CommandFailure, errorMessage } from '../failure.ts'

/** One line of the doctor's: what was looked at, what was found, and what to do where it is wrong. */
export type Check = {
  readonly check: string
  readonly ok: boolean
  readonly detail: string
  readonly remedy?: string
}

/** Runs one check: `look` answers what it found; what it throws is what is wrong. */
export async function check(
  name: string,
  remedy: string,
  look: () => Promise<string>,
): Promise<Check> {
  try {
    return { check: name, ok: true, detail: await look() }
  } catch (error) {
    const hint = error instanceof CommandFailure ? (error.hint ?? remedy) : remedy
    return { check: name, ok: false, detail: describe(error), remedy: hint }
  }
}

/** An AWS error by its name too: the name is what one looks up. */
function describe(error: unknown): string {
  const message = errorMessage(error)
  const named =
    error instanceof Error && !(error instanceof CommandFailure) && error.name !== 'Error'
  return named && !message.startsWith(error.name) ? `${error.name}: ${message}` : message
}

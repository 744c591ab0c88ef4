import { once } from 'node:events'
import { stdin } from 'node:process'
import { createInterface, type Interface } from 'node:readline/promises'
import { CommandFailure, interrupted, misuse } from './failure.ts'
import type { CommandContext } from './program.ts'

/** Asks on the terminal; ends the command where the answer isn't yes, or nobody can be asked. */
export async function confirm(
  question: string,
  otherwise: string,
  { terminal, signal }: CommandContext,
): Promise<void> {
  // What has ended once (names that were typed) gives no answer any more.
  if (!terminal.interactive || stdin.readableEnded) {
    throw misuse('nobody is here to ask', 'add --yes')
  }
  if (signal.aborted) throw interrupted(otherwise)
  const asked = createInterface({ input: stdin, output: process.stderr })
  try {
    const answer = await answerTo(`${question} [y/N] `, asked, signal)
    if (answer === undefined) {
      // The question's line has no end yet.
      terminal.note('')
      throw interrupted(otherwise)
    }
    if (!/^y(es)?$/i.test(answer.trim())) throw new CommandFailure(otherwise)
  } finally {
    asked.close()
  }
}

/** Undefined where a signal, Ctrl-C or Ctrl-D (which close the question) came instead. */
async function answerTo(
  question: string,
  asked: Interface,
  signal: AbortSignal,
): Promise<string | undefined> {
  const closed = once(asked, 'close').then(() => undefined)
  try {
    return await Promise.race([asked.question(question, { signal }), closed])
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return undefined
    throw error
  }
}

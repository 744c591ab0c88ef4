import { createInterface } from 'node:readline/promises'
import { CommandFailure, misuse } from './failure.ts'
import type { CommandContext } from './program.ts'

/** Asks on the terminal; ends the command where the answer isn't yes, or nobody can be asked. */
export async function confirm(
  question: string,
  otherwise: string,
  { terminal, signal }: CommandContext,
): Promise<void> {
  if (!terminal.interactive) throw misuse('nobody is here to ask', 'add --yes')
  const asked = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await asked.question(`${question} [y/N] `, { signal })
    if (!/^y(es)?$/i.test(answer.trim())) throw new CommandFailure(otherwise)
  } finally {
    asked.close()
  }
}

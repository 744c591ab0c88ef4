import { readFile } from 'node:fs/promises'
import { CommandFailure, findErrorCode } from './failure.ts'

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
}

/** The text of a file that the user named; `what` says what it should hold. */
export async function readInput(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = findErrorCode(error) ?? String(error)
    throw new CommandFailure(`can't read the ${what} ${path}: ${REASONS[code] ?? code}`, {
      hint: 'check the path',
      cause: error,
    })
  }
}

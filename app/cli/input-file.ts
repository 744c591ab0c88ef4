import { createReadStream } from 'node:fs'
import { CommandFailure, findErrorCode } from './failure.ts'

/** More than any configuration, document or key holds: it is the wrong file, or a device without end. */
const longestInput = 1_048_576

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
}

/** Why a file that the user named can't be read, as the command's failure. */
export function unreadable(path: string, what: string, error: unknown): CommandFailure {
  const code = findErrorCode(error) ?? String(error)
  return failToRead(path, what, REASONS[code] ?? code, error)
}

function failToRead(path: string, what: string, why: string, cause?: unknown): CommandFailure {
  const message = `can't read the ${what} ${path}: ${why}`
  return new CommandFailure(message, { hint: 'check the path', cause })
}

/** The text of a file that the user named; `what` says what it should hold. */
export async function readInput(path: string, what: string): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of createReadStream(path)) {
      const bytes = Buffer.from(chunk)
      chunks.push(bytes)
      length += bytes.length
      if (length > longestInput) {
        throw failToRead(path, what, `it is longer than ${longestInput} bytes`)
      }
    }
  } catch (error) {
    throw error instanceof CommandFailure ? error : unreadable(path, what, error)
  }
  return Buffer.concat(chunks).toString('utf8')
}

import { createReadStream } from 'node:fs'
import { stdin } from 'node:process'
import { CommandFailure, findErrorCode } from './failure.ts'

/** More than any configuration, document or key holds: it is the wrong file, or a device without end. */
const longestInput = 1_048_576

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
}

/** Why a file that the user named can't be read, as the command's failure; `what` is it in words. */
export function unreadable(what: string, error: unknown): CommandFailure {
  const code = findErrorCode(error) ?? String(error)
  return failToRead(what, REASONS[code] ?? code, error)
}

function failToRead(what: string, why: string, cause?: unknown): CommandFailure {
  return new CommandFailure(`can't read the ${what}: ${why}`, { hint: 'check the path', cause })
}

/** The text of a file that the user named; `what` says what it should hold. */
export async function readInput(path: string, what: string): Promise<string> {
  return await readStream(createReadStream(path), `${what} ${path}`)
}

/** The text of a file, or of stdin where its name is `-`. */
export async function readInputOrStdin(path: string, what: string): Promise<string> {
  return path === '-' ? await readStream(stdin, `${what} from stdin`) : await readInput(path, what)
}

async function readStream(stream: AsyncIterable<unknown>, what: string): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk instanceof Uint8Array ? chunk : String(chunk))
      chunks.push(bytes)
      length += bytes.length
      if (length > longestInput) {
        throw failToRead(what, `it is longer than ${longestInput} bytes`)
      }
    }
  } catch (error) {
    throw error instanceof CommandFailure ? error : unreadable(what, error)
  }
  return Buffer.concat(chunks).toString('utf8')
}

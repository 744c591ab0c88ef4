import { open } from 'node:fs/promises'
import { stdin } from 'node:process'
import { createInterface } from 'node:readline'
import { parseAddress } from '../../../regions/location.ts'
import { CommandFailure, findErrorCode } from '../failure.ts'

/** A line that holds no address, from 1. */
export type WrongLine = { readonly line: number; readonly text: string }

/** From here on it is the wrong file. */
const mostWrongLines = 10_000
const longestText = 60

/**
 * The addresses of a file (`-`: stdin), one a line: the whole line, or its first column by comma,
 * semicolon or tab, in quotes or not. Empty lines, `#` comments and a first line of column names are
 * passed over; every other line without an address goes into `wrong`.
 */
export async function* readAddresses(
  path: string,
  wrong: WrongLine[],
  signal: AbortSignal,
): AsyncGenerator<string> {
  try {
    const lines =
      path === '-' ? createInterface({ input: stdin, signal }) : (await open(path)).readLines()
    let number = 0
    let first = true
    for await (const line of lines) {
      number++
      const text = line.replace(/^\uFEFF/, '').trim()
      if (text === '' || text.startsWith('#')) continue
      const [column = ''] = text.split(/[,;\t]/, 1)
      const address = column.trim().replace(/^"(.*)"$/, '$1')
      const isHeader = first && /^[A-Za-z_ ]+$/.test(address)
      first = false
      if (isHeader) continue
      if (parseAddress(address) !== undefined) yield address
      else if (wrong.push({ line: number, text: shorten(text) }) > mostWrongLines) {
        throw new CommandFailure(`${path} has over ${mostWrongLines} lines that are no address`, {
          hint: 'one address a line, or a CSV whose first column is one',
        })
      }
    }
  } catch (error) {
    if (error instanceof CommandFailure || signal.aborted) throw error
    const why = findErrorCode(error) ?? String(error)
    throw new CommandFailure(`the addresses ${path} can’t be read: ${why}`, { cause: error })
  }
}

function shorten(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text
}

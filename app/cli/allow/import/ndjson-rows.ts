import { describeUnknown, isKnownColumn } from './columns.ts'
import type { SourceRow } from './source-row.ts'
import { longestLine, type TextSource, tooLong } from './text-source.ts'

/** The rows of an NDJSON file: one object a line; empty lines are passed over. */
export async function* ndjsonRows(path: string, { pieces }: TextSource): AsyncGenerator<SourceRow> {
  let line = 1
  let open = ''
  for await (const piece of pieces) {
    const lines = `${open}${piece}`.split('\n')
    open = lines.pop() ?? ''
    if (open.length > longestLine) throw tooLong(path)
    for (const text of lines) {
      const row = parseRow(line, text)
      if (row !== undefined) yield row
      line++
    }
  }
  const row = parseRow(line, open)
  if (row !== undefined) yield row
}

function parseRow(line: number, untrimmed: string): SourceRow | undefined {
  const text = untrimmed.trim()
  if (text === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { line, text, problem: 'is no JSON' }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { line, text, problem: 'is no JSON object' }
  }
  const values = Object.fromEntries(Object.entries(value).filter(([, it]) => it !== null))
  const unknown = Object.keys(values).filter((name) => !isKnownColumn(name))
  if (unknown.length > 0) return { line, text, problem: describeUnknown(unknown) }
  return { line, text, values }
}

import { Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { stringify } from 'csv-stringify/sync'
import { CommandFailure } from '../../failure.ts'
import { columnsHint, findColumnProblem } from './columns.ts'
import type { SourceRow } from './source-row.ts'
import { longestLine, type TextSource, tooLong } from './text-source.ts'

export type CsvShape = { readonly delimiter: string; readonly columns: readonly string[] }

/**
 * The rows of a CSV (RFC 4180, with whatever line ends, also mixed; by comma, semicolon or tab). A quote
 * where none belongs is taken as it stands; the row's own check refuses what comes of it.
 */
export async function openCsv(
  path: string,
  source: TextSource,
): Promise<{ shape: CsvShape; rows: AsyncGenerator<SourceRow> }> {
  const delimiter = findDelimiter(source.head)
  // As its file's pieces are: a stream's option, which the parser's own type leaves out.
  const small = { writableHighWaterMark: 16_384 }
  const parser = parse({
    ...small,
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    relax_quotes: true,
    max_record_size: longestLine,
  })
  const text = Readable.from(source.pieces)
  text.on('error', (error) => parser.destroy(error))
  text.pipe(parser)
  const records = number(translate(path, parser))
  const { value: header } = await records.next()
  if (header === undefined) {
    throw new CommandFailure(`${path} is empty`, { hint: 'its first line names the columns' })
  }
  const columns = header.cells.map((cell) => cell.trim())
  const problem = findColumnProblem(columns)
  if (problem !== undefined) {
    const message = `${path}, line ${header.line}: it has ${problem}`
    throw new CommandFailure(message, { hint: columnsHint })
  }
  return { shape: { delimiter, columns }, rows: readRows(records, columns) }
}

type Numbered = { readonly line: number; readonly cells: readonly string[] }

/** The parser's own count of lines takes CR LF within quotes for two: so they are counted here. */
async function* number(records: AsyncIterable<string[]>): AsyncGenerator<Numbered, undefined> {
  let line = 1
  for await (const cells of records) {
    const isEmpty = cells.length === 1 && cells[0] === ''
    if (!isEmpty) yield { line, cells }
    line += 1
    for (const cell of cells) if (cell.includes('\n') || cell.includes('\r')) line += breaks(cell)
  }
}

function breaks(text: string): number {
  return text.match(/\r\n|\n|\r/g)?.length ?? 0
}

async function* translate(path: string, records: AsyncIterable<string[]>) {
  try {
    yield* records
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    if (error.code === 'CSV_MAX_RECORD_SIZE') throw tooLong(path)
    const open = error.code === 'CSV_QUOTE_NOT_CLOSED'
    const why = open ? 'a quote is left open to its end' : error.message
    throw new CommandFailure(`${path} is no usable CSV: ${why}`, { cause: error })
  }
}

async function* readRows(
  records: AsyncIterable<Numbered>,
  columns: readonly string[],
): AsyncGenerator<SourceRow> {
  for await (const { line, cells } of records) {
    if (cells.length !== columns.length) {
      const fields = cells.length === 1 ? '1 field' : `${cells.length} fields`
      const problem = `has ${fields}, and the header names ${columns.length} columns`
      yield { line, cells, problem }
      continue
    }
    const values: Record<string, unknown> = {}
    for (let index = 0; index < cells.length; index++) {
      const value = cells[index]?.trim() ?? ''
      // An empty cell says nothing of its attribute.
      if (value !== '') values[columns[index] ?? ''] = value
    }
    yield { line, cells, values }
  }
}

/** Spreadsheets of many countries separate by semicolons. */
function findDelimiter(head: string): string {
  const [header = ''] = head.trimStart().split(/[\r\n]/, 1)
  const count = (delimiter: string) => header.split(delimiter).length
  return [',', ';', '\t'].reduce((best, it) => (count(it) > count(best) ? it : best))
}

/** One line of CSV; a CR alone is quoted too, as it ends a line here. */
export function renderCsv(cells: readonly string[], delimiter: string): string {
  return stringify([[...cells]], { delimiter, quoted_match: /\r/ })
}

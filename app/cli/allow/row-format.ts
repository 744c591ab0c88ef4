import { stringify } from 'csv-stringify/sync'
import { type Row, rowAttributes } from '../../allowlist/device-row.ts'
import type { ExportFormat } from './export-formats.ts'
import { cellOf, plainValue } from './plain-value.ts'

/** Rows as the text of a file, page by page. */
export type RowWriter = {
  /** What stands before the rows. */
  readonly head: string
  write(rows: readonly Row[]): string
  /** Attributes of rows that no column has. */
  leftOut(): readonly string[]
}

/** As many names of others' attributes as are worth being told. */
const mostLeftOut = 20

/** `columns`: only these attributes, in this order. Default: of CSV Landfall's own, of NDJSON all. */
export function rowWriter(format: ExportFormat, columns?: readonly string[]): RowWriter {
  return format === 'csv' ? csvWriter(columns) : ndjsonWriter(columns)
}

function csvWriter(chosen: readonly string[] | undefined): RowWriter {
  const columns = chosen ?? rowAttributes
  const known = new Set(columns)
  const leftOut = new Set<string>()
  return {
    head: stringify([[...columns]]),
    write(rows) {
      if (chosen === undefined) {
        for (const name of rows.flatMap(Object.keys)) {
          if (!known.has(name) && leftOut.size < mostLeftOut) leftOut.add(name)
        }
      }
      return stringify(rows.map((row) => columns.map((name) => cellOf(row[name]))))
    },
    leftOut: () => [...leftOut],
  }
}

function ndjsonWriter(chosen: readonly string[] | undefined): RowWriter {
  const first = chosen ?? rowAttributes
  return {
    head: '',
    write(rows) {
      return rows
        .map((row) => {
          const rest =
            chosen === undefined ? Object.keys(row).filter((it) => !first.includes(it)) : []
          const members = [...first, ...rest].flatMap((name) => {
            const value = row[name]
            return value === undefined ? [] : [[name, plainValue(value)] as const]
          })
          return `${JSON.stringify(Object.fromEntries(members))}\n`
        })
        .join('')
    },
    leftOut: () => [],
  }
}

/** The format and the packing that a file's name asks for; undefined where its name asks for neither. */
export function formatOf(path: string): { format: ExportFormat | undefined; gzip: boolean } {
  const gzip = /\.gz$/i.test(path)
  const name = path.replace(/\.gz$/i, '')
  if (/\.(?:ndjson|jsonl)$/i.test(name)) return { format: 'ndjson', gzip }
  return { format: /\.csv$/i.test(name) ? 'csv' : undefined, gzip }
}

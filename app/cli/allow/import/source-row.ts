/**
 * One row as the file has it; `line` is its first line, from 1. What makes it unreadable as a row is in
 * `problem`. CSV rows keep their cells, NDJSON rows their text, for the file of rejects.
 */
export type SourceRow = {
  readonly line: number
  readonly cells?: readonly string[]
  readonly text?: string
} & (
  | { readonly values: Readonly<Record<string, unknown>>; readonly problem?: undefined }
  | { readonly values?: undefined; readonly problem: string }
)

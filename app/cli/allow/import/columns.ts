import { findClosestName } from '../../../../regions/closest-name.ts'

/** What a device that isn't provisioned yet may carry, by the names of the table's attributes. */
export const importColumns = [
  'thing_name',
  'prov_status',
  'product',
  'public_key',
  'region_pin',
  'attributes',
  'aws_region',
] as const
export type ImportColumn = (typeof importColumns)[number]

/** What a file of rejects has besides: passed over, so that it can be corrected and imported itself. */
export const rejectColumns = ['rejected_line', 'rejected_reason'] as const

const known: ReadonlySet<string> = new Set([...importColumns, ...rejectColumns])

export function isKnownColumn(name: string): boolean {
  return known.has(name)
}

export const columnsHint = `the columns may be ${importColumns.join(', ')}`

/** What is wrong with these columns, as the rest of a sentence; undefined where nothing is. */
export function findColumnProblem(names: readonly string[]): string | undefined {
  const unknown = names.filter((name) => !known.has(name))
  if (unknown.length > 0) {
    const many = unknown.length > 1
    return `${many ? 'columns' : 'a column'} that no device record can be given: ${unknown.map(describe).join(', ')}`
  }
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice !== undefined) return `the column ${twice} twice`
  return names.includes('thing_name') ? undefined : 'no column thing_name'
}

/** The rest of a sentence on members that no row may have. */
export function describeUnknown(names: readonly string[]): string {
  return `has unknown members: ${names.map(describe).join(', ')}`
}

const longestName = 40

function describe(name: string): string {
  const short = name.length > longestName ? `${name.slice(0, longestName)}…` : name
  const meant = findClosestName(name, importColumns)
  return `${JSON.stringify(short)}${meant === undefined ? '' : ` (${meant}?)`}`
}

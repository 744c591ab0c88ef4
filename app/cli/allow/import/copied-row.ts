import { isThingName } from '../../../request/thing-name.ts'
import { importColumns, rejectColumns } from './columns.ts'
import type { CsvShape } from './csv-rows.ts'
import {
  findObject,
  isMixed,
  mayHoldPrivateKey,
  type Suspicion,
  withheld,
  withoutPrivateKey,
  withoutPrivateMember,
} from './private-key.ts'
import type { SourceRow } from './source-row.ts'

/** A CSV row's cells as they are, but for private keys. */
export function copyCells({ cells = [] }: SourceRow, { columns }: CsvShape): string[] {
  const named = cells
    .map((cell, index) => [columns[index] ?? '', cell] as const)
    .filter(([name]) => !isAdded(name))
  if (cells.length === columns.length) return named.map(([name, cell]) => copyCell(name, cell))
  // Its cells may be shifted, and a key may reach over several: the row as one text.
  const isName = ([name, cell]: readonly [string, string]) =>
    name === 'thing_name' && isThingName(cell) && !looksLikeKey(cell)
  const rest = named.filter((it) => !isName(it)).map(([, cell]) => cell)
  const isClean = !mayHoldPrivateKey(rest.join(' '), 'strict')
  return named.map((it) => (isClean || isName(it) ? it[1] : withheld))
}

/** An NDJSON row's members, or its text where it has none, but for private keys. */
export function copyMembers({ text = '' }: SourceRow): object {
  const parsed = findObject(text)
  if (parsed === undefined) return { rejected_text: withoutPrivateKey(text, 'strict') }
  const members = Object.entries(parsed).filter(([name]) => !isAdded(name))
  return Object.fromEntries(
    members.map(([name, value]) => [
      name,
      isFitName(name, value) ? value : withoutPrivateMember(name, value, suspicionOf(name, value)),
    ]),
  )
}

function copyCell(name: string, cell: string): string {
  return isFitName(name, cell) ? cell : withoutPrivateKey(cell, suspicionOf(name, cell))
}

/** It may hold colons, so that a part of it looks like a member. */
function isFitName(name: string, value: unknown): boolean {
  return name === 'thing_name' && typeof value === 'string' && isThingName(value.trim())
}

function suspicionOf(name: string, value: unknown): Suspicion {
  if (name === 'public_key' || !importColumns.some((it) => it === name)) return 'strict'
  const isBroken = name === 'attributes' && typeof value === 'string' && !findObject(value)
  return isBroken ? 'strict' : 'loose'
}

function isAdded(name: string): boolean {
  return rejectColumns.some((it) => it === name)
}

/** A line of a PEM, or a JWK's value on a line of its own, makes a thing name, too. */
function looksLikeKey(cell: string): boolean {
  return isMixed(cell) && cell.length >= (/[:_-]/.test(cell) ? 40 : 24)
}

import type { AttributeValue } from '@aws-sdk/client-dynamodb'

type Row = Record<string, AttributeValue>

/** What an operator did, as a product's row and its version's row keep it. */
export type ProductChangeNote = {
  /** ISO 8601. */
  readonly appliedAt?: string
  readonly appliedBy?: string
  readonly applyId?: string
  /** For example what a rollback went back to. */
  readonly note?: string
  /** The version that was current before; absent: none, or one written by hand. */
  readonly replaces?: number
}

/** The product's own row; `version` is absent where it was written by hand. */
export type StoredProduct = ProductChangeNote & {
  readonly name: string
  /** JSON; whether it is a usable product isn't said. */
  readonly document?: string
  readonly version?: number
}

/** One version, without its document. */
export type ProductVersion = ProductChangeNote & { readonly version: number }

/** `lamps#000007`: so that they sort by number. No product's name holds a `#`. */
export function versionRowName(product: string, version: number): string {
  return `${product}#${String(version).padStart(6, '0')}`
}

export function parseCurrent(row: Row): StoredProduct {
  const version = findNumber(row.version)
  return {
    name: row.name?.S ?? '',
    ...(row.document?.S === undefined ? {} : { document: row.document.S }),
    ...(version === undefined ? {} : { version }),
    ...parseNote(row),
  }
}

/** Undefined for a row that is no version's. */
export function parseVersion(row: Row): ProductVersion | undefined {
  const version = findNumber(row.version)
  return version === undefined ? undefined : { version, ...parseNote(row) }
}

function parseNote(row: Row): ProductChangeNote {
  const replaces = findNumber(row.replaces)
  return {
    ...(row.applied_at?.S === undefined ? {} : { appliedAt: row.applied_at.S }),
    ...(row.applied_by?.S === undefined ? {} : { appliedBy: row.applied_by.S }),
    ...(row.apply_id?.S === undefined ? {} : { applyId: row.apply_id.S }),
    ...(row.note?.S === undefined ? {} : { note: row.note.S }),
    ...(replaces === undefined ? {} : { replaces }),
  }
}

function findNumber(value: AttributeValue | undefined): number | undefined {
  const number = Number(value?.N)
  return Number.isSafeInteger(number) && number > 0 ? number : undefined
}

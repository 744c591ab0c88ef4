import type { AttributeValue } from '@aws-sdk/client-dynamodb'

export type PlainValue =
  | string
  | number
  | boolean
  | null
  | readonly PlainValue[]
  | { readonly [name: string]: PlainValue }

/**
 * An attribute's value as JSON has it. Numbers that JSON's readers would round stay text; sets become
 * lists, bytes base64. Never throws, whatever lies in the row.
 */
export function plainValue(value: AttributeValue): PlainValue {
  if (value.S !== undefined) return value.S
  if (value.N !== undefined) return plainNumber(value.N)
  if (value.BOOL !== undefined) return value.BOOL
  if (value.L !== undefined) return value.L.map(plainValue)
  if (value.M !== undefined) {
    const members = Object.entries(value.M).map(([name, it]) => [name, plainValue(it)] as const)
    return Object.fromEntries(members)
  }
  if (value.SS !== undefined) return value.SS
  if (value.NS !== undefined) return value.NS.map(plainNumber)
  if (value.B !== undefined) return base64(value.B)
  if (value.BS !== undefined) return value.BS.map(base64)
  return null
}

/** The same as one cell of a CSV file: text as it is, lists and maps as JSON, nothing as nothing. */
export function cellOf(value: AttributeValue | undefined): string {
  if (value === undefined) return ''
  // As DynamoDB has it, digit by digit.
  if (value.N !== undefined) return value.N
  const plain = plainValue(value)
  if (typeof plain === 'string') return plain
  return plain === null ? '' : JSON.stringify(plain)
}

function plainNumber(text: string): PlainValue {
  const value = Number(text)
  return Number.isFinite(value) && String(value) === text ? value : text
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

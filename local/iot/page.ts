import { z } from 'zod'
import { invalidRequest } from './operation.ts'

/** AWS's page sizes are 1 to 250 on every list of AWS IoT; the default is 25. */
export const pageSize = z.coerce.number().int().min(1).max(250).default(25)

/** Where the next page starts: opaque to callers, here the last key in base64. */
export const pageToken = z.string().min(1).max(1024).optional()

/**
 * One page of `rows`, which must be in the order of their keys, after the key in `token`.
 * Throws InvalidRequestException for a token that wasn't given out.
 */
export function pageOf<T>(
  rows: readonly T[],
  keyOf: (row: T) => string,
  {
    size,
    token,
    descending = false,
  }: { size: number; token?: string | undefined; descending?: boolean },
): { rows: readonly T[]; next?: string } {
  const ordered = descending ? rows.toReversed() : rows
  const after = token === undefined ? undefined : decodeToken(token)
  const from =
    after === undefined
      ? 0
      : ordered.findIndex((row) => (descending ? keyOf(row) < after : keyOf(row) > after))
  if (from === -1) return { rows: [] }
  const page = ordered.slice(from, from + size)
  const last = page.at(-1)
  if (last === undefined || from + size >= ordered.length) return { rows: page }
  return { rows: page, next: Buffer.from(keyOf(last)).toString('base64') }
}

function decodeToken(token: string): string {
  const key = Buffer.from(token, 'base64')
  if (key.toString('base64') !== token) throw invalidRequest('The page token is not valid')
  return key.toString('utf8')
}

import { crc32 } from 'node:zlib'
import { checksumAt, checksumFrom, LocationTableError } from './location-table-format.ts'

/** Writes the checksum of a table's parts into the first of them. */
export function sealLocationTable(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const [head, ...rest] = parts
  if (head === undefined) return parts
  const checksum = rest.reduce(
    (before, part) => crc32(part, before),
    crc32(head.subarray(checksumFrom)),
  )
  new DataView(head.buffer, head.byteOffset).setUint32(checksumAt, checksum, true)
  return parts
}

/** Throws LocationTableError where a byte of a table isn't what was written; 10 ms and more for 40 MB. */
export function assertIntact(bytes: Uint8Array, file: string): void {
  const said = new DataView(bytes.buffer, bytes.byteOffset).getUint32(checksumAt, true)
  if (crc32(bytes.subarray(checksumFrom)) !== said) throw new LocationTableError(file, 'is damaged')
}

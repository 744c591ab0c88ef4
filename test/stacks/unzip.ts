import { inflateRawSync } from 'node:zlib'

/**
 * The files of a zip archive, by their paths, read by its central directory (APPNOTE.TXT 4.3.12). Throws
 * on a file that is there twice, and on what SST's archiver doesn't write: methods other than stored and
 * deflated, archives beyond 4 GB.
 */
export function unzip(archive: Buffer): ReadonlyMap<string, Buffer> {
  const end = archive.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  if (end < 0) throw new Error('no zip archive')
  const count = archive.readUInt16LE(end + 10)
  let at = archive.readUInt32LE(end + 16)
  const files = new Map<string, Buffer>()
  for (let index = 0; index < count; index++) {
    if (archive.readUInt32LE(at) !== 0x02014b50) throw new Error('a broken zip archive')
    const method = archive.readUInt16LE(at + 10)
    const packedSize = archive.readUInt32LE(at + 20)
    const size = archive.readUInt32LE(at + 24)
    const nameLength = archive.readUInt16LE(at + 28)
    const local = archive.readUInt32LE(at + 42)
    const path = archive.toString('utf8', at + 46, at + 46 + nameLength)
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
    const packed = archive.subarray(start, start + packedSize)
    if (method !== 0 && method !== 8) throw new Error(`${path}: unknown method ${method}`)
    const bytes = method === 0 ? packed : inflateRawSync(packed)
    if (bytes.length !== size) throw new Error(`${path}: ${bytes.length} bytes instead of ${size}`)
    // Folders end with a slash; SST adds its own as an entry without a name.
    if (path !== '' && !path.endsWith('/')) {
      if (files.has(path)) throw new Error(`${path} is in the archive twice`)
      files.set(path, bytes)
    }
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
  return files
}

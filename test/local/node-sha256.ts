import { createHash, createHmac } from 'node:crypto'
import type { Checksum, SourceData } from '@smithy/types'

/** SHA-256 and HMAC-SHA-256 for a signer that is not the gateway's own. */
export class NodeSha256 implements Checksum {
  readonly #secret: SourceData | undefined
  #parts: Buffer[] = []

  constructor(secret?: SourceData) {
    this.#secret = secret
  }

  update(data: SourceData): void {
    this.#parts.push(bufferOf(data))
  }

  async digest(): Promise<Uint8Array> {
    const hash =
      this.#secret === undefined
        ? createHash('sha256')
        : createHmac('sha256', bufferOf(this.#secret))
    return new Uint8Array(hash.update(Buffer.concat(this.#parts)).digest())
  }

  reset(): void {
    this.#parts = []
  }
}

function bufferOf(data: SourceData): Buffer {
  if (typeof data === 'string') return Buffer.from(data)
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return Buffer.from(data)
}

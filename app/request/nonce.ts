import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Stateless nonces (the pattern of RFC 8555 section 6.5): 48 bits of issue time in milliseconds, 64
 * random bits, and 128 bits of HMAC-SHA-256 over both. In base64url, as Replay-Nonce has to be.
 */
const timeBytes = 6
const randomBytes = 8
const macBytes = 16

/** `random`: 8 bytes; `now` in epoch milliseconds. */
export function issueNonce(key: Buffer, now: number, random: Buffer): string {
  const body = Buffer.alloc(timeBytes + randomBytes)
  body.writeUIntBE(now, 0, timeBytes)
  random.copy(body, timeBytes, 0, randomBytes)
  return Buffer.concat([body, mac(key, body)]).toString('base64url')
}

/**
 * When a nonce was issued, epoch milliseconds; undefined where none of the keys issued it. `keys`: the
 * present one and those before it, so that a nonce outlives the change of a key.
 */
export function findNonceTime(keys: readonly Buffer[], nonce: string): number | undefined {
  const bytes = Buffer.from(nonce, 'base64url')
  if (bytes.length !== timeBytes + randomBytes + macBytes) return undefined
  if (bytes.toString('base64url') !== nonce) return undefined
  const body = bytes.subarray(0, timeBytes + randomBytes)
  const given = bytes.subarray(body.length)
  if (!keys.some((key) => timingSafeEqual(mac(key, body), given))) return undefined
  return body.readUIntBE(0, timeBytes)
}

function mac(key: Buffer, body: Buffer): Buffer {
  return createHmac('sha256', key).update(body).digest().subarray(0, macBytes)
}

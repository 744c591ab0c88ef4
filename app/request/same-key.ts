import type { KeyObject } from 'node:crypto'

/**
 * Whether two public keys are one. `KeyObject.equals` alone may not be asked: of keys of different types
 * it leaves an error in OpenSSL's queue (Node.js 24.21), and the next AES job of Web Crypto that ends, the
 * wrapping of a device's key say, takes it for its own and aborts the process.
 */
export function isSameKey(one: KeyObject, other: KeyObject): boolean {
  return one.asymmetricKeyType === other.asymmetricKeyType && one.equals(other)
}

import type { KeyObject } from 'node:crypto'

const curves = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

/** RSA from 2048 bits, EC P-256, P-384 or P-521, or Ed25519. */
export function isStrongKey(key: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {}
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return modulusLength >= 2048
    case 'ec':
      return curves.has(namedCurve)
    default:
      return key.asymmetricKeyType === 'ed25519'
  }
}

/**
 * Whether a key that is RSA has an exponent that is odd and at least 3 (RFC 8017 section 3.1: with 1 each
 * message is its own signature), and of at most 32 bits: with one as long as the modulus, which nobody
 * uses but a stranger may send, a signature takes a hundred times as long to verify.
 */
export function hasSoundExponent(key: KeyObject): boolean {
  const { publicExponent: exponent = 65_537n } = key.asymmetricKeyDetails ?? {}
  return exponent >= 3n && exponent % 2n === 1n && exponent < 2n ** 32n
}

const soundHashes = new Set(['SHA-256', 'SHA-384', 'SHA-512'])

/**
 * Whether no two documents can be made that a signature fits alike: SHA-2, or Ed25519, which has it
 * within. What the library has no name for (MD5, SHA-1 by its older identifiers) is none of them, though
 * OpenSSL would verify it.
 */
export function hasSoundHash(algorithm: {
  readonly name?: string
  readonly hash?: { readonly name: string }
}): boolean {
  return algorithm.name === 'Ed25519' || soundHashes.has(algorithm.hash?.name ?? '')
}

// @peculiar/x509's container wants the Reflect polyfill before it loads.
import 'reflect-metadata'
import { createPublicKey, type KeyObject } from 'node:crypto'
import { BasicConstraintsExtension, Pkcs10CertificateRequest } from '@peculiar/x509'
import { calculateJwkThumbprint } from 'jose'
import { AppError } from '../app-error.ts'

/** A verified PKCS#10 request (RFC 2986) that AWS IoT will take. */
export type DeviceCsr = {
  readonly pem: string
  readonly key: KeyObject
  /** RFC 7638 thumbprint of its key: SHA-256, base64url. */
  readonly thumbprint: string
}

/** AWS IoT takes no longer one (API CreateCertificateFromCsr). */
const longestPem = 4096

const curves = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

/**
 * Parses and verifies a CSR in PEM: its own signature (proof of possession), a key that AWS IoT takes
 * (RSA from 2048 bits; EC P-256, P-384 or P-521), a CN that is absent or the thing name, and no wish to
 * be an authority. Throws AppError `invalid-csr` that says which of them failed.
 */
export async function parseCsr(csr: unknown, thingName: string): Promise<DeviceCsr> {
  if (typeof csr !== 'string') throw invalid('not a string')
  if (csr.length > longestPem) throw invalid(`longer than ${longestPem} characters`)
  if (!/^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(csr)) throw invalid('not PEM')
  return await verify(decode(csr.replaceAll('NEW CERTIFICATE', 'CERTIFICATE')), thingName)
}

/** The same of a CSR in DER. */
export async function parseCsrDer(csr: Buffer, thingName: string): Promise<DeviceCsr> {
  return await verify(decode(csr), thingName)
}

async function verify(request: Pkcs10CertificateRequest, thingName: string): Promise<DeviceCsr> {
  const key = decodeKey(request)
  const hash = request.signatureAlgorithm.hash
  if (hash !== undefined && /^(SHA-1|MD5)$/i.test(hash.name)) {
    throw invalid('signed with a broken hash; use SHA-256')
  }
  if (!(await request.verify().catch(() => false))) {
    throw invalid('its signature does not verify')
  }
  const names = request.subjectName.getField('CN')
  if (names.some((name) => name !== thingName)) throw invalid('its CN is not the thing name')
  if (wantsToBeAuthority(request)) throw invalid('it asks to be an authority')
  const pem = request.toString('pem')
  if (pem.length > longestPem) throw invalid(`longer than ${longestPem} characters`)
  return {
    pem,
    key,
    thumbprint: await calculateJwkThumbprint(key.export({ format: 'jwk' })),
  }
}

function decode(csr: string | Buffer): Pkcs10CertificateRequest {
  let request: Pkcs10CertificateRequest
  try {
    request = new Pkcs10CertificateRequest(csr)
  } catch {
    throw invalid('it does not parse')
  }
  if (!isOneDerValue(Buffer.from(request.rawData))) throw invalid('it is not one DER value')
  return request
}

function wantsToBeAuthority({ extensions }: Pkcs10CertificateRequest): boolean {
  return extensions.some((it) => it instanceof BasicConstraintsExtension && it.ca)
}

/** Whether the outer SEQUENCE's length (X.690 section 8.1.3) covers all of it: nothing hangs on behind. */
function isOneDerValue(der: Buffer): boolean {
  const first = der[1] ?? 0
  if (der[0] !== 0x30) return false
  if (first < 0x80) return der.length === 2 + first
  const bytes = first - 0x80
  if (bytes < 1 || bytes > 3 || der.length < 2 + bytes) return false
  return der.length === 2 + bytes + der.readUIntBE(2, bytes)
}

function decodeKey(request: Pkcs10CertificateRequest): KeyObject {
  let key: KeyObject
  try {
    const der = Buffer.from(request.publicKey.rawData)
    key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  } catch {
    throw invalid('its public key does not parse')
  }
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'rsa' && modulusLength >= 2048) return key
  if (key.asymmetricKeyType === 'ec' && curves.has(namedCurve)) return key
  throw invalid('its key must be RSA from 2048 bits, or EC P-256, P-384 or P-521')
}

function invalid(why: string): AppError {
  return new AppError('invalid-csr', `invalid CSR: ${why}`)
}

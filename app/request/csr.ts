// @peculiar/x509's container wants the Reflect polyfill before it loads.
import 'reflect-metadata'
import { createPublicKey, type KeyObject } from 'node:crypto'
import {
  BasicConstraintsExtension,
  ExtensionsAttribute,
  Pkcs10CertificateRequest,
} from '@peculiar/x509'
import { calculateJwkThumbprint } from 'jose'
import { AppError } from '../app-error.ts'
import { hasSoundExponent, hasSoundHash, isStrongKey } from './key-strength.ts'

/** A verified PKCS#10 request (RFC 2986) that AWS IoT will take. */
export type DeviceCsr = {
  readonly pem: string
  readonly key: KeyObject
  /** RFC 7638 thumbprint of its key: SHA-256, base64url. */
  readonly thumbprint: string
}

/** AWS IoT takes no longer one (API CreateCertificateFromCsr). */
const longestPem = 4096

/**
 * Parses and verifies a CSR in PEM: its own signature (proof of possession), a key that AWS IoT takes
 * (RSA from 2048 bits; EC P-256, P-384 or P-521), a CN that is absent or the thing name, and no wish to
 * be an authority. Throws AppError `invalid-csr` that says which of them failed.
 */
export async function parseCsr(csr: unknown, thingName: string): Promise<DeviceCsr> {
  if (typeof csr !== 'string') throw invalid('not a string')
  if (csr.length > longestPem) throw invalid(`longer than ${longestPem} characters`)
  if (!/^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(csr)) throw invalid('not PEM')
  return await read(csr.replaceAll('NEW CERTIFICATE', 'CERTIFICATE'), thingName)
}

/** The same of a CSR in DER. */
export async function parseCsrDer(csr: Buffer, thingName: string): Promise<DeviceCsr> {
  // The library would take PEM, base64 and hex for it too.
  if (csr[0] !== 0x30) throw invalid('it does not parse')
  return await read(csr, thingName)
}

/** The library decodes parts when they are asked for: whatever it throws then, the CSR doesn't parse. */
async function read(csr: string | Buffer, thingName: string): Promise<DeviceCsr> {
  try {
    return await verify(decode(csr), thingName)
  } catch (error) {
    throw error instanceof AppError ? error : invalid('it does not parse')
  }
}

async function verify(request: Pkcs10CertificateRequest, thingName: string): Promise<DeviceCsr> {
  const key = decodeKey(request)
  if (!hasSoundHash(request.signatureAlgorithm)) {
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
  const request = new Pkcs10CertificateRequest(csr)
  if (!isCertificationRequest(Buffer.from(request.rawData))) {
    throw invalid('it is not one DER value')
  }
  return request
}

/** In whichever of its extension requests: a reader may take another one than the first. */
function wantsToBeAuthority(request: Pkcs10CertificateRequest): boolean {
  return request.attributes.some(
    (attribute) =>
      attribute instanceof ExtensionsAttribute &&
      attribute.items.some((it) => it instanceof BasicConstraintsExtension && it.ca),
  )
}

/** Whether it is one SEQUENCE of info, algorithm and signature, and nothing hangs on within or behind. */
function isCertificationRequest(der: Buffer): boolean {
  const [content, end] = readLength(der, 0)
  if (der[0] !== 0x30 || end !== der.length) return false
  let at = content
  for (let element = 0; element < 3; element += 1) at = readLength(der, at)[1]
  return at === end
}

/** Where the contents of the DER value at this place begin and end (X.690 section 8.1.3); NaN for none. */
function readLength(der: Buffer, at: number): readonly [number, number] {
  const first = der[at + 1] ?? 0x80
  if (first < 0x80) return [at + 2, at + 2 + first]
  const bytes = first - 0x80
  const content = at + 2 + bytes
  if (bytes < 1 || bytes > 3 || content > der.length) return [Number.NaN, Number.NaN]
  return [content, content + der.readUIntBE(at + 2, bytes)]
}

function decodeKey(request: Pkcs10CertificateRequest): KeyObject {
  let key: KeyObject
  try {
    const der = Buffer.from(request.publicKey.rawData)
    key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  } catch {
    throw invalid('its public key does not parse')
  }
  if (!hasSoundExponent(key)) throw invalid('its RSA exponent is not odd, from 3, within 32 bits')
  // AWS IoT takes no Ed25519.
  if (isStrongKey(key) && key.asymmetricKeyType !== 'ed25519') return key
  throw invalid('its key must be RSA from 2048 bits, or EC P-256, P-384 or P-521')
}

function invalid(why: string): AppError {
  return new AppError('invalid-csr', `invalid CSR: ${why}`)
}

// @peculiar/x509's container wants the Reflect polyfill before it loads.
import 'reflect-metadata'
import { createPublicKey } from 'node:crypto'
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from '@peculiar/x509'
import { findCertificates, findSignedPath, isValidPath } from './certificate-path.ts'
import { type SigningJwk, signingJwk } from './signing-jwk.ts'
import { isValidAt, type Validity } from './validity.ts'

/** An authority that certifies the devices of exactly one product, while it is valid. */
export type TrustedCa = Validity & {
  readonly product: string
  readonly name: string
  /** DER. */
  readonly certificate: Buffer
}

/** A device that its factory certified: whose product it is of, and the key that it signs with. */
export type CertifiedDevice = { readonly product: string; readonly key: SigningJwk }

/**
 * The devices that a chain (DER, the device's certificate first) certifies by that thing name: one for
 * each product whose authority it ends at. The path is validated as RFC 5280 section 6 says
 * (certificate-path.ts); revocation isn't looked at: a device is blocked in the allow-list. The device's
 * own certificate must be for signing and no authority's, and name the thing by its CN or by a SAN URI
 * `urn:landfall:thing:<name>`.
 */
export async function findCertifiedDevices(
  chain: readonly Buffer[],
  thingName: string,
  cas: readonly TrustedCa[],
  now: number,
): Promise<CertifiedDevice[]> {
  const [first] = chain
  const key = first && findSigningKey(first, thingName)
  const certificates = findCertificates(chain)
  if (key === undefined || certificates === undefined) return []
  const certified: CertifiedDevice[] = []
  for (const { product, certificate, ...ca } of cas) {
    if (!isValidAt(ca, now)) continue
    const path = findSignedPath(certificates, certificate)
    if (path && (await isValidPath(path, now))) certified.push({ product, key })
  }
  return certified
}

/** The key of a device's certificate; undefined where it isn't for this thing, or none that may sign. */
function findSigningKey(der: Buffer, thingName: string): SigningJwk | undefined {
  try {
    const leaf = new X509Certificate(der)
    const usages = leaf.getExtension(KeyUsagesExtension)?.usages
    // Without the extension a key may do anything (RFC 5280 section 4.2.1.3).
    if (usages !== undefined && (usages & KeyUsageFlags.digitalSignature) === 0) return undefined
    if (leaf.getExtension(BasicConstraintsExtension)?.ca) return undefined
    if (!names(leaf, thingName)) return undefined
    const spki = Buffer.from(leaf.publicKey.rawData)
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    // Not each key has a JWK; what has none throws.
    return signingJwk.parse(key.export({ format: 'jwk' }))
  } catch {
    return undefined
  }
}

function names(leaf: X509Certificate, thingName: string): boolean {
  const commonNames = leaf.subjectName.getField('CN')
  if (commonNames.length === 1 && commonNames[0] === thingName) return true
  const { items = [] } = leaf.getExtension(SubjectAlternativeNameExtension)?.names ?? {}
  const uri = `urn:landfall:thing:${thingName}`
  return items.some((it) => it.type === 'url' && it.value === uri)
}

// @peculiar/x509's container wants the Reflect polyfill before it loads.
import 'reflect-metadata'
import { createPublicKey, type KeyObject } from 'node:crypto'
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from '@peculiar/x509'
import type { Certificate } from 'pkijs'
import { isValidAt, type Validity } from './validity.ts'

/** An authority that certifies the devices of exactly one product, while it is valid. */
export type TrustedCa = Validity & {
  readonly product: string
  readonly name: string
  /** DER. */
  readonly certificate: Buffer
}

/** A device that its factory certified: whose product it is of, and the key that it signs with. */
export type CertifiedDevice = { readonly product: string; readonly key: KeyObject }

/**
 * The devices that a chain (DER, the device's certificate first) certifies by that thing name: one for
 * each product whose authority it ends at. The path is validated as RFC 5280 section 6 says (signatures,
 * dates, basic constraints and path length, key usage, name constraints) by PKI.js; revocation isn't
 * looked at: a device is blocked in the allow-list. The device's own certificate must be for signing
 * and no authority's, and name the thing by its CN or by a SAN URI `urn:landfall:thing:<name>`.
 */
export async function findCertifiedDevices(
  chain: readonly Buffer[],
  thingName: string,
  cas: readonly TrustedCa[],
  now: number,
): Promise<CertifiedDevice[]> {
  const [first] = chain
  const key = first && findSigningKey(first, thingName)
  if (key === undefined) return []
  // Loaded for those who need it: it is a third of the edge's code.
  const { Certificate } = await import('pkijs')
  const parsed = chain.flatMap((der) => parse(Certificate, der) ?? [])
  const last = parsed.at(-1)
  if (last === undefined || parsed.length < chain.length) return []
  const certified: CertifiedDevice[] = []
  for (const ca of cas) {
    if (!isValidAt(ca, now)) continue
    const anchor = Certificate.fromBER(ca.certificate)
    // The one that it names: a stranger's chain costs one path at most, however many there are.
    if (!last.issuer.isEqual(anchor.subject) && !isSame(last, anchor)) continue
    if (await leadsTo(parsed, anchor, now)) certified.push({ product: ca.product, key })
  }
  return certified
}

/** Whether the chain, in its order, is a valid path to the anchor, which it may end with. */
async function leadsTo(
  chain: readonly Certificate[],
  anchor: Certificate,
  now: number,
): Promise<boolean> {
  const { CertificateChainValidationEngine } = await import('pkijs')
  const sent = isSame(chain.at(-1), anchor) ? chain.slice(0, -1) : chain
  if (sent.length === 0) return false
  const engine = new CertificateChainValidationEngine({
    trustedCerts: [anchor],
    // It takes the last one for the end entity's.
    certs: [anchor, ...sent.toReversed()],
    checkDate: new Date(now),
  })
  const { result, certificatePath = [] } = await engine
    .verify({ passedWhenNotRevValues: true })
    .catch(() => ({ result: false, certificatePath: [] }))
  // Every certificate that was sent, in the order of RFC 7515 section 4.1.6, and none left over.
  const wanted = [...sent, anchor]
  return (
    result &&
    certificatePath.length === wanted.length &&
    certificatePath.every((it, index) => isSame(it, wanted[index]))
  )
}

/** The key of a device's certificate; undefined where it isn't for this thing, or not for signing. */
function findSigningKey(der: Buffer, thingName: string): KeyObject | undefined {
  try {
    const leaf = new X509Certificate(der)
    const usages = leaf.getExtension(KeyUsagesExtension)?.usages
    // Without the extension a key may do anything (RFC 5280 section 4.2.1.3).
    if (usages !== undefined && (usages & KeyUsageFlags.digitalSignature) === 0) return undefined
    if (leaf.getExtension(BasicConstraintsExtension)?.ca) return undefined
    if (!names(leaf, thingName)) return undefined
    return createPublicKey({
      key: Buffer.from(leaf.publicKey.rawData),
      format: 'der',
      type: 'spki',
    })
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

function isSame(one: Certificate | undefined, other: Certificate | undefined): boolean {
  if (one === undefined || other === undefined) return false
  return Buffer.from(one.toSchema(true).toBER()).equals(Buffer.from(other.toSchema(true).toBER()))
}

function parse(type: typeof Certificate, der: Buffer): Certificate | undefined {
  try {
    return type.fromBER(der)
  } catch {
    return undefined
  }
}

import type { KeyObject } from 'node:crypto'
import { X509Certificate } from 'node:crypto'
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
  const leaf = first && findCertificate(first)
  if (leaf === undefined || leaf.ca || !names(leaf, thingName)) return []
  // Loaded for those who need it: it is a third of the edge's code.
  const { Certificate } = await import('pkijs')
  const parsed = chain.flatMap((der) => parse(Certificate, der) ?? [])
  if (parsed.length < chain.length || !maySign(parsed[0])) return []
  const certified: CertifiedDevice[] = []
  for (const ca of cas) {
    if (!isValidAt(ca, now)) continue
    const anchor = Certificate.fromBER(ca.certificate)
    if (await leadsTo(parsed, anchor, now)) {
      certified.push({ product: ca.product, key: leaf.publicKey })
    }
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

function names(leaf: X509Certificate, thingName: string): boolean {
  const cns = leaf.subject?.split('\n').filter((it) => it.startsWith('CN=')) ?? []
  if (cns.length === 1 && cns[0] === `CN=${thingName}`) return true
  const uris = leaf.subjectAltName?.split(', ') ?? []
  return uris.includes(`URI:urn:landfall:thing:${thingName}`)
}

const keyUsageOid = '2.5.29.15'

/** Without the extension a key may do anything (RFC 5280 section 4.2.1.3); bit 0 is digitalSignature. */
function maySign(leaf: Certificate | undefined): boolean {
  const usage = leaf?.extensions?.find((it) => it.extnID === keyUsageOid)
  if (usage === undefined) return true
  const bits = new Uint8Array(usage.extnValue.valueBlock.valueHexView)
  // DER BIT STRING: tag, length, unused bits, then the flags.
  return ((bits[3] ?? 0) & 0x80) !== 0
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

function findCertificate(der: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(der)
  } catch {
    return undefined
  }
}

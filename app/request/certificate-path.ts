// @peculiar/x509's container wants the Reflect polyfill before it loads.
import 'reflect-metadata'
import { X509Certificate as SignedCertificate } from 'node:crypto'
import { BasicConstraintsExtension, X509Certificate } from '@peculiar/x509'
import type { Certificate, NameConstraints } from 'pkijs'
import { hasSoundExponent, hasSoundHash, isStrongKey } from './key-strength.ts'

/** The extensions that are looked at here or by PKI.js; a critical one of another kind is refused. */
const oids = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  policyConstraints: '2.5.29.36',
  // What else a key is for doesn't matter: the factory certified the device with it.
  extendedKeyUsage: '2.5.29.37',
  inhibitAnyPolicy: '2.5.29.54',
} as const
const understood: ReadonlySet<string> = new Set(Object.values(oids))

/** The certificates of a chain (DER); undefined where one is none, or stands twice. */
export function findCertificates(chain: readonly Buffer[]): SignedCertificate[] | undefined {
  if (new Set(chain.map((it) => it.toString('base64'))).size < chain.length) return undefined
  try {
    const certificates = chain.map((der) => new SignedCertificate(der))
    // OpenSSL reads one certificate, and leaves alone what hangs on behind.
    const whole = certificates.every(({ raw }, index) => raw.length === chain[index]?.length)
    return whole ? certificates : undefined
  } catch {
    return undefined
  }
}

/** Anchors are the deployment's own: each is parsed once, not for every request. */
const parsedAnchors = new WeakMap<Buffer, SignedCertificate>()

function parseAnchor(der: Buffer): SignedCertificate {
  const anchor = parsedAnchors.get(der) ?? new SignedCertificate(der)
  parsedAnchors.set(der, anchor)
  return anchor
}

/**
 * A chain (in the order of RFC 7515 section 4.1.6) with the anchor (DER) at the end, which the chain may
 * leave out, each in DER; undefined unless each is signed by the next. That is proven first, and from
 * the anchor down: a stranger's chain costs a look at one name, and what follows works only on what the
 * anchor vouches for, never on authorities that certify one another in circles.
 */
export function findSignedPath(
  chain: readonly SignedCertificate[],
  anchor: Buffer,
): readonly Buffer[] | undefined {
  const sent = chain.at(-1)?.raw.equals(anchor) ? chain.slice(0, -1) : chain
  if (sent.length === 0) return undefined
  try {
    let issuer = parseAnchor(anchor)
    for (const certificate of sent.toReversed()) {
      if (!isSignedBy(certificate, issuer)) return undefined
      issuer = certificate
    }
    const path = [...sent.map(({ raw }) => raw), anchor]
    return sent.some(({ raw }) => raw.equals(anchor)) ? undefined : path
  } catch {
    return undefined
  }
}

/** By a key and a hash that still prove something, and as X509_check_issued says: names, key usage. */
function isSignedBy(certificate: SignedCertificate, issuer: SignedCertificate): boolean {
  const { publicKey } = issuer
  if (!certificate.checkIssued(issuer) || !isStrongKey(publicKey) || !hasSoundExponent(publicKey))
    return false
  if (!hasSoundHash(new X509Certificate(certificate.raw).signatureAlgorithm)) return false
  return certificate.verify(publicKey)
}

/**
 * Whether a signed path is valid at this moment (epoch milliseconds) by RFC 5280 section 6: dates,
 * authorities, key usage, policies and name constraints by PKI.js, each authority's constraints upon all
 * below it; path lengths and critical extensions, which PKI.js 3.4 doesn't look at, here. The anchor's
 * own constraints count too (RFC 5937).
 */
export async function isValidPath(path: readonly Buffer[], now: number): Promise<boolean> {
  // Loaded for those who need it: it is a third of the edge's code.
  const { Certificate, NameConstraints } = await import('pkijs')
  try {
    const certificates = path.map((der) => Certificate.fromBER(der))
    if (!certificates.every(isUnderstood) || !keepPathLengths(path)) return false
    const constraints = certificates.map((it) => takeNameConstraints(it, NameConstraints))
    for (const [index, own] of constraints.entries()) {
      const isAnchor = index === path.length - 1
      if (index === 0 || (own === undefined && !isAnchor)) continue
      if (!(await validates(certificates.slice(0, index + 1), own, now))) return false
    }
    return true
  } catch {
    return false
  }
}

/** PKI.js's verdict on a path, under the name constraints of the last one. */
async function validates(
  path: readonly Certificate[],
  { permittedSubtrees = [], excludedSubtrees = [] }: Partial<NameConstraints> = {},
  now: number,
): Promise<boolean> {
  const { CertificateChainValidationEngine } = await import('pkijs')
  const anchor = path.slice(-1)
  const engine = new CertificateChainValidationEngine({
    trustedCerts: anchor,
    // It takes the last one for the end entity's.
    certs: path.toReversed(),
    checkDate: new Date(now),
    // The next one: its own search follows certificates that certify one another for ever.
    findIssuer: async (certificate) => {
      const next = path[path.indexOf(certificate) + 1]
      return next === undefined ? [] : [next]
    },
  })
  const { result } = await engine.verify({
    passedWhenNotRevValues: true,
    initialPermittedSubtreesSet: permittedSubtrees,
    initialExcludedSubtreesSet: excludedSubtrees,
  })
  return result
}

/** No extension twice, none that is critical and unknown (section 4.2), none that can't be read. */
function isUnderstood({ extensions = [] }: Certificate): boolean {
  if (new Set(extensions.map((it) => it.extnID)).size < extensions.length) return false
  return extensions.every(
    ({ critical, extnID, parsedValue = {} }) =>
      (!critical || understood.has(extnID)) && !('parsingError' in parsedValue),
  )
}

/** So many authorities that didn't issue themselves may follow (section 6.1.4, l and m). */
function keepPathLengths([, ...issuers]: readonly Buffer[]): boolean {
  let below = 0
  return issuers.every((der) => {
    const authority = new X509Certificate(der)
    const limit = authority.getExtension(BasicConstraintsExtension)?.pathLength
    const fits = limit === undefined || below <= limit
    if (authority.issuer !== authority.subject) below += 1
    return fits
  })
}

/**
 * Takes an authority's name constraints out of its certificate: PKI.js would add those of all together,
 * where each may only narrow what the ones above it leave (section 6.1.4, g).
 */
function takeNameConstraints(
  certificate: Certificate,
  type: typeof NameConstraints,
): NameConstraints | undefined {
  const { extensions = [] } = certificate
  certificate.extensions = extensions.filter((it) => it.extnID !== oids.nameConstraints)
  const own = extensions.find((it) => it.extnID === oids.nameConstraints)?.parsedValue
  return own instanceof type ? own : undefined
}

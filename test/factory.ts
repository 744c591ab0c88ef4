import 'reflect-metadata'
import { KeyObject, randomBytes, sign, webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  Extension,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { Certificate, GeneralName, GeneralSubtree, NameConstraints, PublicKeyInfo } from 'pkijs'
import type { TrustedCa } from '../app/request/factory-chain.ts'

export type KeyKind =
  | 'P-256'
  | 'P-384'
  | 'Ed25519'
  | 'RSA-1024'
  | 'RSA-2048'
  /** Signs with SHA-1. */
  | 'RSA-SHA-1'

/** A certificate and its keys, of an authority or of a device. */
export type Certified = {
  readonly certificate: X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
  /** What it signs with, a request too. */
  readonly signingKey: KeyObject
}

/** What is unusual about a certificate. */
export type CertificateOptions = {
  readonly kind?: KeyKind
  readonly keys?: webcrypto.CryptoKeyPair
  /** Days from now. */
  readonly from?: number
  readonly until?: number
  /** Undefined: as it should be; 'none': no basic constraints at all. */
  readonly ca?: boolean | 'none'
  readonly pathLength?: number
  /** Key usage; 'none': without the extension. */
  readonly usages?: KeyUsageFlags | 'none'
  readonly uris?: readonly string[]
  readonly dnsNames?: readonly string[]
  readonly extensions?: readonly Extension[]
  /** The issuer's name, where it isn't its issuer's. */
  readonly issuerName?: string
}

type Algorithm = { name: string } | webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams

const dayMs = 86_400_000

/** Makes an authority: self-signed, unless another one certifies it. */
export async function makeAuthority(
  name: string,
  { by, ...options }: CertificateOptions & { by?: Certified } = {},
): Promise<Certified> {
  const usages = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign
  return await certify(`CN=${name}`, by, { ca: true, usages, ...options })
}

/** Makes a device's certificate: its CN is the name, or its subject is another one. */
export async function certifyDevice(
  by: Certified | undefined,
  subject: string | JsonName,
  options: CertificateOptions = {},
): Promise<Certified> {
  const name = typeof subject === 'string' && !subject.includes('=') ? `CN=${subject}` : subject
  return await certify(name, by, { usages: KeyUsageFlags.digitalSignature, ...options })
}

/** As `x5c` has it: standard base64 of DER, the device's first. */
export function x5c(...chain: readonly Certified[]): string[] {
  return chain.map((it) => der(it).toString('base64'))
}

export function der({ certificate }: Certified): Buffer {
  return Buffer.from(certificate.rawData)
}

/** A product's `factoryCas` entry. */
export function factoryCa(name: string, authority: Certified) {
  return { name, certificatePem: authority.certificate.toString('pem') }
}

/** An authority as an edge holds it. */
export function trustedCa(product: string, authority: Certified): TrustedCa {
  return { product, name: 'ca', certificate: der(authority) }
}

/** The same certificate, of another key (SPKI), or signed by its RSA issuer with another hash. */
export function signedAgain(
  it: Certified,
  by: Certified,
  change: { readonly hash?: string; readonly oid?: string; readonly spki?: Buffer },
): Certified {
  const { hash = 'sha256', oid = '1.2.840.113549.1.1.11', spki } = change
  const certificate = Certificate.fromBER(der(it))
  certificate.signature.algorithmId = oid
  certificate.signatureAlgorithm.algorithmId = oid
  if (spki !== undefined) certificate.subjectPublicKeyInfo = PublicKeyInfo.fromBER(spki)
  const signature = sign(hash, Buffer.from(certificate.encodeTBS().toBER()), by.signingKey)
  certificate.signatureValue.valueBlock.valueHexView = signature
  return { ...it, certificate: new X509Certificate(certificate.toSchema(true).toBER()) }
}

/** A critical extension that nobody knows. */
export const strangeExtension = () => new Extension('1.2.3.4.5', true, new Uint8Array([5, 0]))

/** Name constraints: DNS names (a suffix each), or directory names (beneath an authority's). */
export function nameConstraints(
  side: 'permitted' | 'excluded',
  ...bases: readonly (string | Certified)[]
): Extension {
  const subtrees = bases.map((base) => {
    const name =
      typeof base === 'string'
        ? new GeneralName({ type: 2, value: base })
        : new GeneralName({ type: 4, value: Certificate.fromBER(der(base)).subject })
    return new GeneralSubtree({ base: name })
  })
  const value = new NameConstraints({ [`${side}Subtrees`]: subtrees })
  return new Extension('2.5.29.30', true, value.toSchema().toBER())
}

export async function makeKeys(kind: KeyKind = 'P-256'): Promise<webcrypto.CryptoKeyPair> {
  const keys = await webcrypto.subtle.generateKey(algorithmOf(kind), true, ['sign', 'verify'])
  if (!('privateKey' in keys)) throw new Error('no key pair')
  return keys
}

async function certify(
  subject: string | JsonName,
  by: Certified | undefined,
  options: CertificateOptions,
): Promise<Certified> {
  const keys = options.keys ?? (await makeKeys(options.kind))
  const issuer = options.issuerName ?? by?.certificate.subject ?? subject
  const signer = by?.keys ?? keys
  const certificate = await X509CertificateGenerator.create({
    serialNumber: `01${randomBytes(8).toString('hex')}`,
    subject,
    issuer,
    notBefore: new Date(Date.now() + (options.from ?? -1) * dayMs),
    notAfter: new Date(Date.now() + (options.until ?? 365) * dayMs),
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: signingAlgorithm(signer),
    extensions: extensionsOf(options),
  })
  return { certificate, keys, signingKey: KeyObject.from(keys.privateKey) }
}

function extensionsOf(options: CertificateOptions): Extension[] {
  const { ca = false, pathLength, usages = 'none', uris = [], dnsNames = [] } = options
  const names = [
    ...uris.map((value) => ({ type: 'url' as const, value })),
    ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
  ]
  return [
    ...(ca === 'none' ? [] : [new BasicConstraintsExtension(ca, pathLength, true)]),
    ...(usages === 'none' ? [] : [new KeyUsagesExtension(usages, true)]),
    ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)]),
    ...(options.extensions ?? []),
  ]
}

function algorithmOf(kind: KeyKind): Algorithm {
  if (kind === 'Ed25519') return { name: 'Ed25519' }
  if (kind === 'P-256' || kind === 'P-384') return { name: 'ECDSA', namedCurve: kind }
  return {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: kind === 'RSA-1024' ? 1024 : 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: kind === 'RSA-SHA-1' ? 'SHA-1' : 'SHA-256',
  }
}

/** A key's curve has its hash; what an RSA key signs with is its own. */
function signingAlgorithm({ privateKey }: webcrypto.CryptoKeyPair) {
  const { name } = privateKey.algorithm
  if (name !== 'ECDSA') return { name }
  const is384 = 'namedCurve' in privateKey.algorithm && privateKey.algorithm.namedCurve === 'P-384'
  return { name, hash: is384 ? 'SHA-384' : 'SHA-256' }
}

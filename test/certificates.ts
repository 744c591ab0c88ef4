import 'reflect-metadata'
import { createHash, generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PublicKey,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dates = { notBefore: new Date('2026-01-01'), notAfter: new Date('2050-01-01') }

export type Authority = { readonly certificate: X509Certificate; readonly key: CryptoKey }

type CryptoKey = Awaited<ReturnType<typeof webcrypto.subtle.importKey>>

/** An authority, self-signed or by another one; `pathLength`: authorities that may follow. */
export async function makeAuthority(
  name: string,
  pathLength: number,
  issuer?: Authority,
): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    ...dates,
    subject: `CN=${name}`,
    issuer: issuer?.certificate.subject ?? `CN=${name}`,
    publicKey: keys.publicKey,
    signingKey: issuer?.key ?? keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, pathLength, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  })
  return { certificate, key: keys.privateKey }
}

/** A certificate for signing; `thingUri` puts the thing name into a SAN URI. */
export async function certify(
  { certificate: issuer, key: signingKey }: Authority,
  commonName: string,
  key: KeyObject,
  thingUri?: string,
): Promise<X509Certificate> {
  const extensions: Extension[] = [new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true)]
  if (thingUri !== undefined) {
    extensions.push(new SubjectAlternativeNameExtension([{ type: 'url', value: thingUri }]))
  }
  return await X509CertificateGenerator.create({
    ...dates,
    subject: `CN=${commonName}`,
    issuer: issuer.subject,
    publicKey: new PublicKey(key.export({ type: 'spki', format: 'der' })),
    signingKey,
    signingAlgorithm: algorithm,
    extensions,
  })
}

/** As `x5c` has it: standard base64 of DER. */
export function base64Der(certificate: X509Certificate): string {
  return Buffer.from(certificate.rawData).toString('base64')
}

/** AWS IoT's id of a certificate. */
export function certificateIdOf(certificate: X509Certificate): string {
  return createHash('sha256').update(Buffer.from(certificate.rawData)).digest('hex')
}

/** A key like those that AWS IoT makes. */
export function makeServerKey(): { readonly key: KeyObject; readonly pem: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { key: publicKey, pem: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString() }
}

import 'reflect-metadata'
import { type KeyObject, webcrypto } from 'node:crypto'
import { PublicKey, type X509Certificate, X509CertificateGenerator } from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A certificate for a device's key, such as AWS IoT's, by an authority that nobody knows. */
export async function certifyKey(publicKey: KeyObject): Promise<X509Certificate> {
  const authority = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  return await X509CertificateGenerator.create({
    subject: 'CN=AWS IoT Certificate',
    issuer: 'CN=nobody',
    notBefore: new Date('2026-01-01'),
    notAfter: new Date('2050-01-01'),
    publicKey: new PublicKey(publicKey.export({ type: 'spki', format: 'der' })),
    signingKey: authority.privateKey,
    signingAlgorithm: algorithm,
  })
}

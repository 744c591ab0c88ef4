import 'reflect-metadata'
import { type KeyObject, webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PublicKey,
  X509CertificateGenerator,
} from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A factory: its authority, and certificates of it for devices (PEM). */
export type Factory = {
  readonly caPem: string
  certify(thingName: string, key: KeyObject): Promise<string>
}

export async function makeFactory(name = 'factory'): Promise<Factory> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const dates = { notBefore: new Date('2026-01-01'), notAfter: new Date('2046-01-01') }
  const ca = await X509CertificateGenerator.createSelfSigned({
    ...dates,
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  })
  return {
    caPem: `${ca.toString('pem')}\n`,
    async certify(thingName, key) {
      const extensions: Extension[] = [new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true)]
      const certificate = await X509CertificateGenerator.create({
        ...dates,
        subject: `CN=${thingName}`,
        issuer: ca.subject,
        publicKey: new PublicKey(key.export({ type: 'spki', format: 'der' })),
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        extensions,
      })
      return `${certificate.toString('pem')}\n`
    },
  }
}

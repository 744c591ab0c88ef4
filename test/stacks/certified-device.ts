import 'reflect-metadata'
import { type KeyObject, webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PublicKey,
  X509CertificateGenerator,
} from '@peculiar/x509'

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A factory's authority (PEM), and `x5c` of a device that it certified. */
export type Factory = {
  readonly caPem: string
  certify(thingName: string, key: KeyObject): Promise<string[]>
}

export async function openFactory(): Promise<Factory> {
  const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
  const day = 86_400_000
  const valid = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) }
  const authority = await X509CertificateGenerator.createSelfSigned({
    ...valid,
    name: 'CN=factory',
    keys,
    signingAlgorithm: p256,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  })
  return {
    caPem: authority.toString('pem'),
    async certify(thingName, key) {
      const certificate = await X509CertificateGenerator.create({
        ...valid,
        subject: `CN=${thingName}`,
        issuer: authority.subject,
        publicKey: new PublicKey(key.export({ type: 'spki', format: 'der' })),
        signingKey: keys.privateKey,
        signingAlgorithm: p256,
        extensions: [new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true)],
      })
      return [certificate.toString('base64')]
    },
  }
}

import 'reflect-metadata/lite'
import { webcrypto } from 'node:crypto'
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509'

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

export type KeyAlgorithm = { readonly name: string; readonly hash: string }

/** A device's key and a CSR for it, both PEM. */
export async function newKeyAndCsr(
  algorithm: KeyAlgorithm & Record<string, unknown> = ecdsa,
): Promise<{ key: string; csr: string }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  if (!('privateKey' in keys)) throw new Error('not a key pair')
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=device',
    keys,
    signingAlgorithm: algorithm,
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  const body = Buffer.from(pkcs8).toString('base64').replaceAll(/.{64}/g, '$&\n')
  return {
    key: `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
    csr: request.toString('pem'),
  }
}

/** A PEM CSR of a new P-256 key. */
export async function newCsr(): Promise<string> {
  return (await newKeyAndCsr()).csr
}

import 'reflect-metadata/lite'
import { createPrivateKey, createPublicKey, generateKeyPairSync, webcrypto } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** P-256 with SHA-256: signing takes well under a millisecond, and every TLS stack takes it. */
export const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** The authority's own certificate and key. */
export type Root = {
  readonly certificate: X509Certificate
  readonly pem: string
  readonly key: webcrypto.CryptoKey
}

/**
 * Reads `ca.key` (mode 0600) and `ca.pem` in `folder`, or makes what is missing. The key is written
 * first and whole, so a process that ends between the two leaves a key whose certificate is made again.
 */
export async function openRoot(folder?: string): Promise<Root> {
  if (folder === undefined) {
    const keyPem = newKey()
    return rootOf(keyPem, await selfSign(keyPem))
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const keyFile = join(folder, 'ca.key')
  const certificateFile = join(folder, 'ca.pem')
  const keyPem = findText(keyFile) ?? writeWhole(keyFile, newKey(), 0o600)
  const pem =
    findText(certificateFile) ?? writeWhole(certificateFile, await selfSign(keyPem), 0o644)
  return rootOf(keyPem, pem)
}

async function rootOf(keyPem: string, pem: string): Promise<Root> {
  return {
    certificate: new X509Certificate(pem),
    pem,
    key: (await importPair(keyPem)).privateKey,
  }
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

async function importPair(keyPem: string) {
  const key = createPrivateKey(keyPem)
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' })
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, signing, false, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, signing, true, ['verify']),
  }
}

async function selfSign(keyPem: string): Promise<string> {
  const keys = await importPair(keyPem)
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Landfall local root, O=Landfall, OU=AWS on one machine',
    notBefore: new Date(Date.now() - 120_000),
    notAfter: new Date('2049-12-31T23:59:59Z'),
    keys,
    signingAlgorithm: signing,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return `${certificate.toString('pem')}\n`
}

function findText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** A reader sees the whole file or none. */
function writeWhole(file: string, text: string, mode: number): string {
  writeFileSync(`${file}.new`, text, { mode })
  renameSync(`${file}.new`, file)
  return text
}

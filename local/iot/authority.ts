// @peculiar/x509's container wants the Reflect polyfill before it loads.
import 'reflect-metadata/lite'
import { createHash, createPublicKey, generateKeyPair } from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { invalidRequest } from './operation.ts'
import { openRoot, signing } from './root.ts'

const generateKeys = promisify(generateKeyPair)

/** The certificates of AWS IoT end here, whoever asks (AWS IoT Developer Guide, "X.509 client certificates"). */
const endOfDeviceCertificates = new Date('2049-12-31T23:59:59Z')

/** AWS IoT takes no longer CSR (API CreateCertificateFromCsr). */
const longestCsr = 4096

const curves = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

/** `certificateId`: SHA-256 of the DER, lower-case hex. Times: seconds since 1970. */
export type IssuedCertificate = {
  readonly certificateId: string
  readonly pem: string
  readonly notBefore: number
  readonly notAfter: number
}

/** The certificate authority of one AWS on one machine: it signs devices' and brokers' certificates. */
export type Authority = {
  readonly caPem: string
  /** A new certificate for the CSR's own key, at each call. Throws InvalidRequestException. */
  issueFromCsr(csrPem: string): Promise<IssuedCertificate>
  /** A new RSA-2048 key with its certificate. The private key is PKCS#1 PEM, as AWS IoT gives it. */
  issueWithKeys(): Promise<
    IssuedCertificate & { readonly publicKeyPem: string; readonly privateKeyPem: string }
  >
  /** A TLS server's key and certificate for one IP address or host name. PEM. */
  issueForServer(address: string): Promise<{ readonly key: string; readonly cert: string }>
}

/** Opens the authority kept in `folder`, or makes one there; without a folder it lives in memory. */
export async function openAuthority(folder?: string): Promise<Authority> {
  const root = await openRoot(folder)
  const issuer = await AuthorityKeyIdentifierExtension.create(root.certificate.publicKey)

  async function sign(name: string, publicKey: PublicKey, end: Date, extensions: Extension[]) {
    const notBefore = new Date(Date.now() - 120_000)
    return X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: root.certificate.subject,
      // Backdated: a device's clock, or another process's, may be a little behind.
      notBefore,
      notAfter: end,
      publicKey,
      signingKey: root.key,
      signingAlgorithm: signing,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        await SubjectKeyIdentifierExtension.create(publicKey),
        issuer,
        ...extensions,
      ],
    })
  }

  async function issueDevice(publicKey: PublicKey): Promise<IssuedCertificate> {
    const certificate = await sign('AWS IoT Certificate', publicKey, endOfDeviceCertificates, [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
    ])
    return {
      certificateId: certificateIdOf(Buffer.from(certificate.rawData)),
      pem: `${certificate.toString('pem')}\n`,
      notBefore: certificate.notBefore.getTime() / 1000,
      notAfter: certificate.notAfter.getTime() / 1000,
    }
  }

  return {
    caPem: root.pem,

    issueFromCsr: async (csrPem) => issueDevice(await readCsr(csrPem)),

    async issueWithKeys() {
      const { publicKey, privateKey } = await generateKeys('rsa', { modulusLength: 2048 })
      const spki = publicKey.export({ type: 'spki', format: 'der' })
      return {
        ...(await issueDevice(new PublicKey(spki))),
        publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
        privateKeyPem: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
      }
    },

    async issueForServer(address) {
      const { publicKey, privateKey } = await generateKeys('ec', { namedCurve: 'P-256' })
      const spki = new PublicKey(publicKey.export({ type: 'spki', format: 'der' }))
      const type = isIP(address) ? 'ip' : 'dns'
      const certificate = await sign(address, spki, root.certificate.notAfter, [
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([{ type, value: address }]),
      ])
      const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      return { key, cert: `${certificate.toString('pem')}\n` }
    },
  }
}

/** AWS IoT's id of a certificate: the SHA-256 of its DER, in lower-case hex. */
export function certificateIdOf(der: Buffer): string {
  return createHash('sha256').update(der).digest('hex')
}

/** The key of a PEM CSR (RFC 2986) whose signature proves that the asker holds it. */
async function readCsr(pem: string): Promise<PublicKey> {
  if (pem.length > longestCsr) throw invalidCsr(`longer than ${longestCsr} characters`)
  const request = decodeCsr(pem)
  if (!isAcceptedKey(request.publicKey)) {
    throw invalidCsr('the key must be RSA from 2048 bits, or EC P-256, P-384 or P-521')
  }
  if (!(await request.verify().catch(() => false))) throw invalidCsr('its signature is wrong')
  return request.publicKey
}

function decodeCsr(pem: string): Pkcs10CertificateRequest {
  const label = /^\s*-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----[^-]+-----END [A-Z ]+-----\s*$/
  if (!label.test(pem)) throw invalidCsr('not a PEM certificate request')
  try {
    return new Pkcs10CertificateRequest(pem.replaceAll('NEW CERTIFICATE', 'CERTIFICATE'))
  } catch {
    throw invalidCsr('it does not parse')
  }
}

function isAcceptedKey(publicKey: PublicKey): boolean {
  try {
    const der = Buffer.from(publicKey.rawData)
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
    const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {}
    if (key.asymmetricKeyType === 'rsa') return modulusLength >= 2048
    return key.asymmetricKeyType === 'ec' && curves.has(namedCurve)
  } catch {
    return false
  }
}

function invalidCsr(why: string) {
  return invalidRequest(`The certificate signing request is not valid: ${why}`)
}

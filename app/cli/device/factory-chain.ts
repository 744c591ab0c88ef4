import { type KeyObject, X509Certificate } from 'node:crypto'
import { CommandFailure } from '../failure.ts'
import { readInput } from '../input-file.ts'

const mostCertificates = 5

/**
 * The certificates of a PEM file as `x5c` has them (RFC 7515 section 4.1.6: standard base64 of DER),
 * the device's first. Throws CommandFailure where that isn't the signing key's.
 */
export async function readFactoryChain(path: string, signingKey: KeyObject): Promise<string[]> {
  const text = await readInput(path, 'factory certificate')
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const fail = (why: string, hint: string) => new CommandFailure(`${path} ${why}`, { hint })
  const expected = 'the device’s certificate first, in PEM, then its issuers'
  if (blocks.length === 0) throw fail('holds no certificate', expected)
  if (blocks.length > mostCertificates) {
    throw fail(
      `holds more than ${mostCertificates} certificates`,
      'the contract takes no longer chain',
    )
  }
  let chain: X509Certificate[]
  try {
    chain = blocks.map((block) => new X509Certificate(block))
  } catch {
    throw fail('holds a certificate that does not parse', expected)
  }
  if (chain[0]?.checkPrivateKey(signingKey) !== true) {
    throw fail('begins with a certificate of another key', `${expected}; --signing-key is its key`)
  }
  return chain.map((certificate) => certificate.raw.toString('base64'))
}

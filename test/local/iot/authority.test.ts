import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openAuthority } from '../../../local/iot/authority.ts'
import { newKeyAndCsr } from './device.ts'

const authority = await openAuthority()
const ca = new X509Certificate(authority.caPem)
const spki = { type: 'spki', format: 'pem' } as const

const rsa = (modulusLength: number) => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
})
const ec = (namedCurve: string) => ({ name: 'ECDSA', namedCurve, hash: 'SHA-256' })

describe('certificates', () => {
  it.each([
    ['RSA-2048', rsa(2048)],
    ['P-256', ec('P-256')],
    ['P-384', ec('P-384')],
    ['P-521', ec('P-521')],
  ])("carry the CSR's own %s key", async (_, algorithm) => {
    const { key, csr } = await newKeyAndCsr(algorithm)
    const issued = await authority.issueFromCsr(csr)
    const certificate = new X509Certificate(issued.pem)
    expect(certificate.publicKey.export(spki)).toBe(createPublicKey(key).export(spki))
    expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true)
    expect(certificate.verify(ca.publicKey)).toBe(true)
    expect(certificate.checkIssued(ca)).toBe(true)
  })

  it('are for a client, from now to the end of 2049, with the id of their DER', async () => {
    const issued = await authority.issueFromCsr((await newKeyAndCsr()).csr)
    const certificate = new X509Certificate(issued.pem)
    expect(issued.certificateId).toBe(createHash('sha256').update(certificate.raw).digest('hex'))
    expect(certificate.subject).toBe('CN=AWS IoT Certificate')
    expect(certificate.ca).toBe(false)
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    expect(certificate.validTo).toBe('Dec 31 23:59:59 2049 GMT')
    expect(Date.parse(certificate.validFrom)).toBeLessThanOrEqual(Date.now())
    expect(issued.notBefore * 1000).toBe(Date.parse(certificate.validFrom))
  })

  it('come with a PKCS#1 RSA-2048 key where AWS makes it', async () => {
    const issued = await authority.issueWithKeys()
    const key = createPrivateKey(issued.privateKeyPem)
    expect(issued.privateKeyPem.split('\n')[0]).toBe('-----BEGIN RSA PRIVATE KEY-----')
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(2048)
    expect(new X509Certificate(issued.pem).checkPrivateKey(key)).toBe(true)
    expect(issued.publicKeyPem).toBe(createPublicKey(key).export(spki))
  })

  it("name a server's address", async () => {
    const { cert } = await authority.issueForServer('127.9.1.1')
    const certificate = new X509Certificate(cert)
    expect(certificate.checkIP('127.9.1.1')).toBe('127.9.1.1')
    expect(certificate.checkIP('127.9.1.2')).toBeUndefined()
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect(certificate.verify(ca.publicKey)).toBe(true)
  })
})

describe('a CSR is refused', () => {
  const invalid = (why: string) => ({
    code: 'InvalidRequestException',
    status: 400,
    message: expect.stringContaining(why),
  })

  it('for a key that AWS IoT does not take', async () => {
    const { csr } = await newKeyAndCsr(rsa(1024))
    await expect(authority.issueFromCsr(csr)).rejects.toMatchObject(invalid('RSA from 2048 bits'))
  })

  it('for a signature that is not of its key', async () => {
    const { csr } = await newKeyAndCsr()
    const der = Buffer.from(csr.replaceAll(/-----[^-]+-----/g, ''), 'base64')
    // The common name "device" is signed; another one isn't.
    der.write('divice', der.indexOf('device'))
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----`
    await expect(authority.issueFromCsr(forged)).rejects.toMatchObject(invalid('signature'))
  })

  it('for two of them, or text around it', async () => {
    const { csr } = await newKeyAndCsr()
    for (const text of [`${csr}\n${csr}`, `hello ${csr}`, '']) {
      await expect(authority.issueFromCsr(text)).rejects.toMatchObject(invalid('not a PEM'))
    }
  })
})

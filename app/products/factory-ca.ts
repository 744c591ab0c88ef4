import { X509Certificate } from 'node:crypto'
import * as z from 'zod'
import { validity } from '../request/validity.ts'

const certificatePem = z
  .string()
  .max(8192)
  .superRefine((pem, check) => {
    const certificate = findCertificate(pem)
    if (certificate === undefined) check.addIssue('must be one certificate in PEM')
    else if (!certificate.ca) {
      check.addIssue('must be the certificate of an authority (basicConstraints CA:TRUE)')
    }
  })

/** An authority that certifies this product's devices in their factory: the anchor of their chains. */
export const factoryCaSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 . _ -'),
  certificatePem,
  ...validity.shape,
})

export type FactoryCa = z.infer<typeof factoryCaSchema>

function findCertificate(pem: string): X509Certificate | undefined {
  if (pem.split('-----BEGIN CERTIFICATE-----').length !== 2) return undefined
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

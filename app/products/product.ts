import { createPublicKey } from 'node:crypto'
import { z } from 'zod'
import { regionPolicySchema } from '../../regions/region-policy.ts'

/** The request contracts a signer may be trusted for. */
export const contracts = ['seed'] as const

/** An RSA public key of at least 2048 bits (RFC 7517, RFC 7518 section 6.3.1). */
const rsaPublicJwk = z
  .strictObject({
    kty: z.literal('RSA'),
    n: z.base64url(),
    e: z.base64url(),
    kid: z.string().optional(),
    use: z.literal('sig').optional(),
    alg: z.literal('RS256').optional(),
  })
  .refine((jwk) => modulusBits(jwk) >= 2048, 'must be an RSA key of at least 2048 bits')

/** A key trusted to sign requests of this product's devices. */
const signerSchema = z.strictObject({
  kid: z.string().min(1),
  contracts: z.array(z.enum(contracts)).nonempty(),
  jwk: rsaPublicJwk,
})

/**
 * A product: devices that share signers, a region policy and a re-provisioning rule. `refuse`: a
 * provisioned device that asks with another key, or without a CSR, is turned away.
 */
export const productSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 . _ -'),
  signers: z
    .array(signerSchema)
    .nonempty()
    .refine((signers) => new Set(signers.map((it) => it.kid)).size === signers.length, {
      error: 'must not name a kid twice',
    }),
  regionPolicy: regionPolicySchema,
  reprovisioning: z.literal('refuse').default('refuse'),
})

export type Product = z.infer<typeof productSchema>
export type Signer = Product['signers'][number]

/** The product of a device record that names none. */
export const defaultProductName = 'default'

function modulusBits(jwk: { kty: string; n: string; e: string }): number {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' }).asymmetricKeyDetails?.modulusLength ?? 0
  } catch {
    return 0
  }
}

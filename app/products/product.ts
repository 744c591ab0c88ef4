import { createPublicKey } from 'node:crypto'
import * as z from 'zod'
import { regionPolicySchema } from '../../regions/region-policy.ts'
import { productTestSchema } from './product-test.ts'

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
 * `refuse`: a provisioned device that asks with another key, or without a CSR, is turned away.
 * `replace`: it gets a new certificate, and the old one is deactivated. Either way, within
 * `redeliverSeconds` after it was provisioned it is replaced: its answer may have been lost.
 */
const reprovisioningSchema = z.strictObject({
  rule: z.enum(['refuse', 'replace']).default('refuse'),
  redeliverSeconds: z.int().min(0).max(86_400).default(120),
})

/** A product: devices that share signers, a region policy and a re-provisioning rule. */
const productDocument = z.strictObject({
  /** For editors: where `landfall product schema` was saved. */
  $schema: z.string().max(1024).optional(),
  name: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 . _ -'),
  signers: z
    .array(signerSchema)
    .nonempty()
    .refine((signers) => new Set(signers.map((it) => it.kid)).size === signers.length, {
      error: 'must not name a kid twice',
    }),
  regionPolicy: regionPolicySchema,
  reprovisioning: reprovisioningSchema.prefault({}),
  /** What `landfall product check` and `apply` try before anything is written. */
  tests: z.array(productTestSchema).max(200).optional(),
})

/** What the rule below has to read, in a document whose other fields may be wrong. */
const replaceable = z.object({
  signers: z.array(z.object({ contracts: z.array(z.string()) })),
  reprovisioning: z.object({ rule: z.literal('replace') }),
})

/** A row of the control table holds 400 KB, and names and times beside the document take little. */
export const longestDocumentBytes = 300_000

/** A product's document, with what only holds between its parts. */
export const productSchema = productDocument.refine(
  (product) => {
    const { data } = replaceable.safeParse(product)
    return !data?.signers.some((signer) => signer.contracts.includes('seed'))
  },
  {
    path: ['reprovisioning', 'rule'],
    // Even where another field is wrong: every problem is to be told at once.
    when: () => true,
    error:
      'must be refuse where a signer may use the seed contract: its signature covers the name only, so whoever holds one captured request could replace the device for ever',
  },
)

export type Product = z.infer<typeof productSchema>
export type Signer = Product['signers'][number]

function modulusBits(jwk: { kty: string; n: string; e: string }): number {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' }).asymmetricKeyDetails?.modulusLength ?? 0
  } catch {
    return 0
  }
}

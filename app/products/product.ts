import * as z from 'zod'
import { regionPolicySchema } from '../../regions/region-policy.ts'
import { algorithmsOf, signatureAlgorithms, signingJwk } from '../request/signing-jwk.ts'
import { validity } from '../request/validity.ts'
import { factoryCaSchema } from './factory-ca.ts'
import { productTestSchema } from './product-test.ts'

/** The request contracts a signer may be trusted for. */
export const contracts = ['seed', 'landfall'] as const

/**
 * A key trusted to sign requests of this product's devices. Several at once let keys rotate without a
 * gap: the new one joins, devices change over, the old one ends.
 */
export const signerSchema = z
  .strictObject({
    kid: z.string().min(1).max(256),
    contracts: z.array(z.enum(contracts)).nonempty(),
    jwk: signingJwk,
    /** What it may sign with under the Landfall contract; default: what its key can. */
    algorithms: z.array(z.enum(signatureAlgorithms)).nonempty().optional(),
    ...validity.shape,
  })
  .superRefine((signer, check) => {
    const { jwk, algorithms, contracts: trusted } = signer
    const can = algorithmsOf(jwk)
    const wrong = algorithms?.find((it) => !can.includes(it))
    if (wrong !== undefined) {
      const message = `${wrong} is no algorithm of this key, which can ${can.join(' or ')}`
      check.addIssue({ code: 'custom', path: ['algorithms'], message })
    }
    if (trusted.includes('seed') && jwk.kty !== 'RSA') {
      const message = 'the seed contract takes RSA keys only: leave seed out, or give an RSA key'
      check.addIssue({ code: 'custom', path: ['contracts'], message })
    }
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
  /** Empty where each device signs with a key of its own, in its record or certified by its factory. */
  signers: z
    .array(signerSchema)
    .max(50)
    .refine((signers) => new Set(signers.map((it) => it.kid)).size === signers.length, {
      error: 'must not name a kid twice',
    }),
  /** A device that shows a certificate of one of these signs with its key. */
  factoryCas: z
    .array(factoryCaSchema)
    .max(20)
    .refine((cas) => new Set(cas.map((it) => it.name)).size === cas.length, {
      error: 'must not use a name twice',
    })
    .optional(),
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

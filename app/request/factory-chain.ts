import type { Validity } from './validity.ts'

/** An authority that certifies the devices of exactly one product, while it is valid. */
export type TrustedCa = Validity & {
  readonly product: string
  readonly name: string
  /** DER. */
  readonly certificate: Buffer
}

import { type Signer, signerSchema } from '../../products/product.ts'
import { bareKey } from '../../request/signing-jwk.ts'
import { CommandFailure } from '../failure.ts'
import type { FileKey } from './key-file.ts'

/**
 * A key as an entry of a product's signers; throws CommandFailure where it can't be one for these
 * contracts. `path` is what messages call its file.
 */
export function getSigner(
  { kid, jwk }: FileKey,
  trusted: Signer['contracts'],
  path: string,
): Signer {
  const bare = bareKey(jwk)
  // An RSA key's `alg` says what it may sign with; the others can only one thing.
  const entry = { kid, contracts: trusted, jwk: jwk.kty === 'RSA' ? jwk : bare }
  const parsed = signerSchema.safeParse(entry)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new CommandFailure(`${path} can’t be such a signer: ${issue?.message}`, {
    hint: 'docs/region-policies.md describes signers',
  })
}

import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose'
import * as z from 'zod'
import type { LandfallSuccess } from './landfall-answer.ts'
import { certificateId } from './report.ts'

const claimsSchema = z.object({
  region: z.string(),
  endpointAddress: z.string(),
  certificateId: z.string(),
  reason: z.string(),
})

/** Why a receipt proves nothing. `unknown-key`: the router may have changed its key since. */
export type ReceiptFault = { readonly code: 'unknown-key' | 'wrong'; readonly why: string }

/**
 * Whether the router signed this very answer for this device, under one of its public keys: ES256, its
 * `typ`, issuer and subject, and every claim that the answer repeats. Undefined where it did.
 */
export async function findReceiptFault(
  success: LandfallSuccess,
  routerKeys: JSONWebKeySet,
  expected: { readonly thing: string; readonly audience: string },
): Promise<ReceiptFault | undefined> {
  const wrong = (why: string): ReceiptFault => ({ code: 'wrong', why })
  if (success.thingName !== expected.thing) return wrong('the answer is another thing’s')
  if (success.certificateId !== certificateId(success.certificatePem)) {
    return wrong('certificateId is another certificate’s')
  }
  let claims: z.infer<typeof claimsSchema>
  try {
    const { payload } = await jwtVerify(success.receipt, createLocalJWKSet(routerKeys), {
      algorithms: ['ES256'],
      typ: 'landfall-receipt+jwt',
      issuer: expected.audience,
      subject: expected.thing,
    })
    claims = claimsSchema.parse(payload)
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) {
      return { code: 'unknown-key', why: 'it is signed by a key that is none of the router’s' }
    }
    if (error instanceof errors.JWSSignatureVerificationFailed) {
      return wrong('its signature does not verify')
    }
    if (error instanceof errors.JWTClaimValidationFailed) {
      return wrong(`its ${error.claim} is not what it must be`)
    }
    return wrong('it is no receipt')
  }
  for (const name of ['region', 'endpointAddress', 'certificateId', 'reason'] as const) {
    if (claims[name] !== success[name]) return wrong(`its ${name} is not the answer’s`)
  }
  return undefined
}

/** What a new key is made for: the JWS algorithm that it signs with. */
export const signingKeyTypes = ['ES256', 'ES384', 'Ed25519', 'PS256', 'RS256'] as const
export type SigningKeyType = (typeof signingKeyTypes)[number]

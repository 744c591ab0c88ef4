import { compactDecrypt, exportJWK, generateKeyPair, type JWK } from 'jose'
import type { DeliveryCurve } from './delivery-curves.ts'

const algorithm = 'ECDH-ES+A256KW'
const encryption = 'A256GCM'

/** A key that AWS IoT's is encrypted to, for one request: its private half stays in this process. */
export type DeliveryKey = {
  readonly publicJwk: JWK
  /** The private key (PEM) in a compact JWE; throws where it isn't for this key or was changed. */
  decrypt(jwe: string): Promise<string>
}

export async function makeDeliveryKey(curve: DeliveryCurve): Promise<DeliveryKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { crv: curve })
  return {
    publicJwk: await exportJWK(publicKey),
    async decrypt(jwe) {
      const { plaintext } = await compactDecrypt(jwe, privateKey, {
        keyManagementAlgorithms: [algorithm],
        contentEncryptionAlgorithms: [encryption],
      })
      return new TextDecoder('utf-8', { fatal: true }).decode(plaintext)
    },
  }
}

import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import type { Signer } from '../../products/product.ts'
import { findText, writeWhole } from '../whole-file.ts'

/**
 * The signer of a fleet's key in a file: read, or made (RSA 2048, mode 0600) where there is none.
 * Devices sign with the private part, which leaves the file only into their process.
 */
export async function openFleetKey(path: string): Promise<Signer> {
  let pem = await findText(path)
  if (pem === undefined) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    await writeWhole(path, pem, 0o600)
  }
  const { n = '', e = '' } = createPublicKey(createPrivateKey(pem)).export({ format: 'jwk' })
  const jwk = { kty: 'RSA', n, e } as const
  return { kid: await calculateJwkThumbprint(jwk), contracts: ['seed'], jwk }
}

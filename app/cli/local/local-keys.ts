import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import type { Signer } from '../../products/product.ts'
import { readKeyFile } from '../keys/key-file.ts'
import { makeKey, writePrivateJwks } from '../keys/private-jwks.ts'
import { getSigner } from '../keys/signer-entry.ts'
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

/**
 * The signers of the Landfall contract whose keys (a private JWK Set, mode 0600) are in a file, which is
 * made with one ES256 key where there is none.
 */
export async function openLandfallKey(path: string): Promise<Signer[]> {
  await keepJwks(path)
  const { keys } = await readKeyFile(path, 'signing key')
  return keys.map((key) => getSigner(key, ['landfall'], path))
}

/** A private JWK Set in a file: made with one ES256 key where there is none, and kept. */
export async function keepJwks(path: string): Promise<void> {
  if ((await findText(path)) === undefined) await writePrivateJwks(path, [await makeKey('ES256')])
}

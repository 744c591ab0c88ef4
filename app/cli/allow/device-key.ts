import type { SigningJwk } from '../../request/signing-jwk.ts'
import { CommandFailure, misuse } from '../failure.ts'
import { readKeyFile } from '../keys/key-file.ts'

/**
 * The public key of one device, as its record has it; `path` is a JWK or PEM file, or `-`. A private key
 * is refused, though its public half could be told: it belongs to the device alone.
 */
export async function readDeviceKey(path: string, names: readonly string[]): Promise<SigningJwk> {
  if (names.length > 1) {
    throw misuse('--public-key is one device’s', 'add each device with its own key')
  }
  const { keys } = await readKeyFile(path, 'public key')
  const [first, ...others] = keys
  if (keys.some((key) => key.privateKey !== undefined)) {
    throw new CommandFailure(`${path} holds a private key, which stays on the device`, {
      hint: 'npx landfall keys show FILE --allow prints its public half, and --public-key - reads that',
    })
  }
  if (others.length > 0) {
    throw new CommandFailure(`${path} holds ${keys.length} keys, and a device has one`, {
      hint: 'npx landfall keys show FILE --allow prints the first',
    })
  }
  return first.jwk
}

import { algorithmsOf, type SigningJwk } from '../../request/signing-jwk.ts'
import { CommandFailure, misuse } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import type { RotateFlags } from './command.ts'
import { readKeyFile } from './key-file.ts'
import { makeKey, publicHalf, toPrivateJwk, writePrivateJwks } from './private-jwks.ts'
import { type SigningKeyType, signingKeyTypes } from './signing-key-types.ts'

/** `landfall keys rotate`: the file is replaced as a whole, so whoever reads it sees the old or the new. */
export async function rotateKeys(
  path: string,
  flags: RotateFlags,
  { terminal }: CommandContext,
): Promise<void> {
  if (path === '-') throw misuse('a key file is needed, which is changed', 'give its path')
  const { format, keys } = await readKeyFile(path, 'key file')
  if (format === 'pem') {
    throw new CommandFailure(`${path} is PEM, which holds one key`, {
      hint: 'npx landfall keys new --out FILE begins a key file that can be rotated',
    })
  }
  const older = keys.slice(0, flags.keep).map((key) => {
    const jwk = toPrivateJwk(key)
    if (jwk !== undefined) return jwk
    throw new CommandFailure(`${path} holds public keys`, {
      hint: 'rotate the file that holds the private ones',
    })
  })
  const made = await makeKey(flags.type ?? typeOf(keys[0].jwk))
  await writePrivateJwks(path, [made, ...older])
  terminal.out(JSON.stringify(publicHalf(made), null, 2))
  const dropped = keys.length - older.length
  terminal.note(
    `The new key is first in ${path}; ${count(older.length)} behind it${dropped === 0 ? '' : `, ${count(dropped)} dropped`}.`,
  )
}

function typeOf(jwk: SigningJwk): SigningKeyType {
  return signingKeyTypes.find((it) => algorithmsOf(jwk).includes(it)) ?? 'ES256'
}

function count(keys: number): string {
  return `${keys} older ${keys === 1 ? 'key' : 'keys'}`
}

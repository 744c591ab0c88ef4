import { stringify } from 'yaml'
import { contracts, type Signer } from '../../products/product.ts'
import { misuse } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import type { ShowFlags } from './command.ts'
import { readKeyFile } from './key-file.ts'
import { publicJwk } from './private-jwks.ts'
import { getSigner } from './signer-entry.ts'

/** `landfall keys show`: public halves only, whatever the file holds. */
export async function showKeys(
  path: string,
  flags: ShowFlags,
  { terminal }: CommandContext,
): Promise<void> {
  if (flags.allow === true && flags.signer === true) {
    throw misuse('--allow and --signer are two forms', 'give one of them')
  }
  if (flags.contracts !== undefined && flags.signer !== true) {
    throw misuse('--contracts is for --signer', 'add --signer')
  }
  const trusted = (flags.contracts ?? ['landfall']).map(getContract)
  const { keys } = await readKeyFile(path, 'key file')
  if (flags.allow === true) return terminal.json(publicJwk(keys[0]))
  if (flags.signer === true) {
    const signers = keys.map((key) => getSigner(key, trusted, path))
    if (flags.json === true) terminal.json({ signers })
    else terminal.out(stringify({ signers }).trimEnd())
    return
  }
  const set = { keys: keys.map(publicJwk) }
  if (flags.json === true) terminal.json(set)
  else terminal.out(JSON.stringify(set, null, 2))
}

type Contract = Signer['contracts'][number]

function getContract(name: string): Contract {
  const known = contracts.find((it) => it === name)
  if (known !== undefined) return known
  throw misuse(`--contracts: ${name} is no contract`, `of ${contracts.join(' and ')}`)
}

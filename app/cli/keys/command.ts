import type { Command } from 'commander'
import { Option } from 'commander'
import { integer, list } from '../options.ts'
import type { CommandContext } from '../program.ts'
import { type SigningKeyType, signingKeyTypes } from './signing-key-types.ts'

export type NewFlags = { type: SigningKeyType; out: string }
export type ShowFlags = { signer?: true; contracts?: string[]; allow?: true; json?: true }
export type RotateFlags = { type?: SigningKeyType; keep: number }

const typeOption = (description: string) =>
  new Option('--type <type>', description).choices(signingKeyTypes)

export function keysCommand(program: Command, context: CommandContext): void {
  const keys = program
    .command('keys')
    .summary('make, show and rotate signing keys')
    .description(
      'Keys that sign: requests, for a device or a product’s signer, and receipts, for the router. A key file is a private JWK Set (RFC 7517), mode 0600; its first key signs. Private halves are never printed. For the router’s keys (routerKeysFile of an edge’s configuration) only ES256 will do.',
    )
    .addHelpText('after', EXAMPLES)

  keys
    .command('new')
    .summary('make a key')
    .description(
      'Makes a key and writes it to a new file; prints the public half as a JWK. Its kid is its RFC 7638 thumbprint.',
    )
    .requiredOption('--out <file>', 'the new key file')
    .addOption(typeOption('the JWS algorithm that it signs with').default('ES256'))
    .addHelpText('after', NEW_EXAMPLES)
    .action(async (flags: NewFlags) => {
      const { newKey } = await import('./new.ts')
      await newKey(flags, context)
    })

  keys
    .command('show')
    .summary('the public halves, as whoever is to trust them takes them')
    .description(
      'Prints the public halves of a key file as a JWK Set. Takes JWK, JWK Set and PEM, private or public.',
    )
    .argument('<file>', 'the key file, or - for stdin')
    .option('--signer', 'as entries of a product’s signers, in YAML (with --json in JSON)')
    .option(
      '--contracts <list>',
      'of these signers, of seed and landfall (default: landfall)',
      list,
    )
    .option('--allow', 'the first key as one JWK, for `landfall allow add --public-key`')
    .option('--json', 'on one line')
    .addHelpText('after', SHOW_EXAMPLES)
    .action(async (file: string, flags: ShowFlags) => {
      const { showKeys } = await import('./show.ts')
      await showKeys(file, flags, context)
    })

  keys
    .command('rotate')
    .summary('put a new key in front of the older ones')
    .description(
      'Makes a new key and puts it first in a key file, where it signs; the older ones stay behind it, so that what they signed can still be verified. Prints the public half of the new one.',
    )
    .argument('<file>', 'the key file: a private JWK Set')
    .addOption(typeOption('of the new key (default: as the present one)'))
    .option('--keep <n>', 'how many of the older keys stay', integer(0, 9), 2)
    .addHelpText('after', ROTATE_EXAMPLES)
    .action(async (file: string, flags: RotateFlags) => {
      const { rotateKeys } = await import('./rotate.ts')
      await rotateKeys(file, flags, context)
    })
}

const EXAMPLES = `
Examples:
  $ npx landfall keys new --out lamps.keys.json
  $ npx landfall keys show lamps.keys.json --signer
  $ npx landfall keys rotate router.keys.json`

const NEW_EXAMPLES = `
Examples:
  A signer of a product:
  $ npx landfall keys new --out lamps.keys.json

  A device's own key:
  $ npx landfall keys new --type Ed25519 --out lamp-1.keys.json

  The router's keys:
  $ npx landfall keys new --type ES256 --out router.keys.json`

const SHOW_EXAMPLES = `
Examples:
  $ npx landfall keys show router.keys.json
  $ npx landfall keys show lamps.keys.json --signer
  $ npx landfall keys show fleet.key.pem --signer --contracts seed,landfall
  $ npx landfall keys show lamp-1.keys.json --allow |
      npx landfall allow add lamp-1 --public-key - --region eu-west-1`

const ROTATE_EXAMPLES = `
A signer's new key has to be in its product's document before devices use it; a router's older keys
have to stay for as long as its receipts are to be verified.

Examples:
  $ npx landfall keys rotate router.keys.json
  $ npx landfall keys rotate lamps.keys.json --type Ed25519 --keep 1`

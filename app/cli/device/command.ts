import type { Command } from 'commander'
import { Option } from 'commander'
import { integer, seconds } from '../options.ts'
import type { CommandContext } from '../program.ts'
import type { ContractName } from './contract.ts'
import { type DeliveryCurve, deliveryCurves } from './delivery-curves.ts'

export type DeviceFlags = {
  thing: string
  url?: string
  local?: string
  ownKey?: true
  keyType: 'ec' | 'rsa'
  fake?: true
  folder: string
  ca?: string
  contract?: ContractName
  signingKey?: string
  kid?: string
  audience?: string
  factoryCert?: string
  routerKeys?: string
  deliveryKey?: DeliveryCurve
  clock: boolean
  address?: string
  count?: number
  interval: number
  qos: '0' | '1'
  port: number
  retryFor: number
  json?: true
}

export function deviceCommand(program: Command, context: CommandContext): void {
  program
    .command('device')
    .summary('switch on a reference device: it is provisioned, connects and publishes')
    .description(
      'The reference device. It asks the provisioning URL for an identity, keeps it, connects to its region by MQTT over mutual TLS and publishes to data/<thing>/misc until Ctrl-C. With an identity in its folder it connects without asking.',
    )
    .requiredOption('--thing <name>', 'the thing name')
    .option('--url <url>', 'the provisioning URL, …/device-provisioning or …/v1/provision')
    .option(
      '--local <file>',
      'local.json of `landfall local`: gives URL, CA, signing key, audience',
    )
    .addOption(
      new Option(
        '--contract <name>',
        'how it asks (default: seed with an RSA key in PEM or with --local alone; landfall with any other signing key, or an option of that contract)',
      ).choices(['seed', 'landfall']),
    )
    .option(
      '--signing-key <file>',
      'the private key that signs its requests: for seed the fleet’s, RSA; for landfall EC, Ed25519 or RSA; JWK or PEM',
    )
    .option('--ca <file>', 'CA certificates (PEM) to trust for the URL and the endpoint')
    .option('--own-key', 'make the private key here and send a CSR')
    .addOption(
      new Option('--key-type <type>', 'of the own key').choices(['ec', 'rsa']).default('ec'),
    )
    .option(
      '--fake',
      'sign the real name and send another one: must be refused with `wrong sig` or not-authorized',
    )
    .optionsGroup('For the Landfall contract:')
    .option('--audience <name>', 'the deployment, letter for letter')
    .option('--kid <id>', 'of the signing key (default: what its file says, else its thumbprint)')
    .option(
      '--factory-cert <file>',
      'the signing key’s certificate from the factory, then its issuers (PEM): sent as x5c',
    )
    .option('--no-clock', 'date requests by a nonce of the edge’s')
    .option(
      '--router-keys <file>',
      'the router’s public keys as the factory knew them (default: ask …/v1/jwks)',
    )
    .addOption(
      new Option(
        '--delivery-key <curve>',
        'of the key that AWS IoT’s is encrypted to (default: P-256)',
      ).choices(deliveryCurves),
    )
    .optionsGroup('Options:')
    .option('--folder <dir>', 'where the device keeps its files', '.')
    .option(
      '--address <ip>',
      'pretend to be there (X-Forwarded-For; the edge must trust this machine)',
    )
    .option(
      '--count <n>',
      'publish n messages, then disconnect (0: only be provisioned)',
      integer(0, 1_000_000_000),
    )
    .option('--interval <seconds>', 'between two messages', seconds, 2)
    .addOption(new Option('--qos <level>', 'of the messages').choices(['0', '1']).default('0'))
    .option('--port <n>', 'the endpoint’s MQTT port', integer(1, 65_535), 8883)
    .option('--retry-for <seconds>', 'how long to retry "try again later"', integer(0, 86_400), 90)
    .option('--json', 'one JSON object a line on stdout for everything that happens')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: DeviceFlags) => {
      const { runDevice } = await import('./run.ts')
      await runDevice(flags, context)
    })
}

const EXAMPLES = `
Files in the folder: <thing>.device.key.pem (mode 0600), <thing>.device.csr.pem,
<thing>.device.cert.pem, <thing>.endpoint; by the Landfall contract <thing>.receipt.jws.

Examples:
  The key is made by AWS IoT, against AWS on this machine:
  $ npx landfall device --thing mydevice1 --local .landfall/local/local.json --count 3

  The key never leaves the device:
  $ npx landfall device --thing mydevice2 --url https://example.com/device-provisioning \\
      --signing-key fleet.key.pem --own-key

  By the Landfall contract, with a key of its own that signs (\`landfall keys new\`):
  $ npx landfall device --thing mydevice4 --url https://example.com/v1/provision \\
      --audience https://example.com --signing-key mydevice4.keys.json --own-key

  The same against AWS on this machine, as the default product’s signer, without a clock:
  $ npx landfall device --thing mydevice5 --local .landfall/local/local.json --contract landfall --no-clock

  A forged request, which must be refused:
  $ npx landfall device --thing mydevice3 --local .landfall/local/local.json --fake`

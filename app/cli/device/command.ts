import type { Command } from 'commander'
import { Option } from 'commander'
import { integer, seconds } from '../options.ts'
import type { CommandContext } from '../program.ts'

export type DeviceFlags = {
  thing: string
  url?: string
  local?: string
  ownKey?: true
  keyType: 'ec' | 'rsa'
  fake?: true
  folder: string
  ca?: string
  signingKey?: string
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
    .option('--url <url>', 'the provisioning URL, …/device-provisioning')
    .option('--local <file>', 'local.json of `landfall local`: gives URL, CA and signing key')
    .option('--signing-key <file>', 'the fleet’s private RSA key (PEM) that signs the thing name')
    .option('--ca <file>', 'CA certificates (PEM) to trust for the URL and the endpoint')
    .option('--own-key', 'make the private key here and send a CSR')
    .addOption(
      new Option('--key-type <type>', 'of the own key').choices(['ec', 'rsa']).default('ec'),
    )
    .option('--fake', 'sign the real name and send another one: must be refused with `wrong sig`')
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
<thing>.device.cert.pem, <thing>.endpoint.

Examples:
  The key is made by AWS IoT, against AWS on this machine:
  $ npx landfall device --thing mydevice1 --local .landfall/local/local.json --count 3

  The key never leaves the device:
  $ npx landfall device --thing mydevice2 --url https://example.com/device-provisioning \\
      --signing-key fleet.key.pem --own-key

  A forged request, which must be refused:
  $ npx landfall device --thing mydevice3 --local .landfall/local/local.json --fake`

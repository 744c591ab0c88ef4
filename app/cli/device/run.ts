import { createPrivateKey, type KeyObject } from 'node:crypto'
import { isThingName } from '../../request/thing-name.ts'
import { CommandFailure, misuse } from '../failure.ts'
import { readInput } from '../input-file.ts'
import { readLocalJson } from '../local/local-json.ts'
import type { CommandContext } from '../program.ts'
import type { DeviceFlags } from './command.ts'
import { deviceFiles } from './files.ts'
import { type PowerOnOutcome, powerOn } from './power-on.ts'
import { connectAndPublish } from './publish.ts'
import { createReporter, type Reporter } from './report.ts'

/** `landfall device`: power on, then publish. */
export async function runDevice(flags: DeviceFlags, context: CommandContext): Promise<void> {
  const setup = await readSetup(flags)
  const report = createReporter(context.terminal, flags)
  const { signal } = context
  let outcome: PowerOnOutcome
  try {
    outcome = await powerOn({
      thing: flags.thing,
      edge: {
        url: setup.url,
        ...(setup.caPem === undefined ? {} : { caPem: setup.caPem }),
        ...(flags.address === undefined ? {} : { address: flags.address }),
      },
      fleetKey: setup.fleetKey,
      folder: flags.folder,
      ...(flags.ownKey === true ? { ownKey: flags.keyType } : {}),
      fake: flags.fake === true,
      retrySeconds: flags.retryFor,
      signal,
      on: report.powerOn,
    })
  } catch (error) {
    if (signal.aborted) return
    throw error
  }
  if (outcome.kind === 'refused') throw refusal(flags, outcome, report)
  report.provisioned(outcome, deviceFiles(flags.folder, flags.thing))
  if (flags.count === 0) return
  const sent = await connectAndPublish({
    thing: flags.thing,
    identity: outcome.identity,
    port: flags.port,
    ...(setup.caPem === undefined ? {} : { caPem: setup.caPem }),
    ...(flags.count === undefined ? {} : { count: flags.count }),
    intervalMs: flags.interval * 1000,
    qos: flags.qos === '1' ? 1 : 0,
    signal,
    on: report.publish,
  })
  report.finished(sent)
}

type Setup = { url: string; caPem?: string; fleetKey: KeyObject }

/** Flags go before what local.json says. */
async function readSetup(flags: DeviceFlags): Promise<Setup> {
  if (!isThingName(flags.thing)) {
    throw misuse(
      '--thing is no thing name',
      'a thing name has 1 to 128 characters: letters, digits, ":", "_" and "-"',
    )
  }
  const local = flags.local === undefined ? undefined : await readLocalJson(flags.local)
  const url = flags.url ?? local?.provisionUrl
  if (url === undefined) throw misuse('no provisioning URL', 'give --url URL or --local FILE')
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw misuse(
      '--url is no http or https URL',
      'for example https://example.com/device-provisioning',
    )
  }
  const keyFile = flags.signingKey ?? local?.signingKeyFile
  if (keyFile === undefined)
    throw misuse('no signing key', 'give --signing-key FILE or --local FILE')
  const caFile = flags.ca ?? local?.caFile
  const fleetKey = readFleetKey(keyFile, await readInput(keyFile, 'signing key'))
  if (caFile === undefined) return { url, fleetKey }
  return { url, fleetKey, caPem: await readInput(caFile, 'CA file') }
}

function readFleetKey(path: string, pem: string): KeyObject {
  let key: KeyObject | undefined
  try {
    key = createPrivateKey(pem)
  } catch {
    // Said below; OpenSSL's own words help nobody.
  }
  if (key?.asymmetricKeyType !== 'rsa') {
    throw new CommandFailure(`${path} holds no RSA private key in PEM`, {
      hint: 'openssl genrsa -out fleet.key.pem 2048 makes one',
    })
  }
  return key
}

function refusal(
  flags: DeviceFlags,
  outcome: Extract<PowerOnOutcome, { kind: 'refused' }>,
  report: Reporter,
): CommandFailure {
  report.refused(outcome)
  return new CommandFailure(`the edge refuses ${flags.thing}: ${outcome.message}`, {
    hint: refusalHint(flags, outcome.message),
  })
}

function refusalHint(flags: DeviceFlags, message: string): string {
  if (message === 'wrong sig') {
    return flags.fake === true
      ? 'as it must: this request was forged'
      : 'the product doesn’t know this signing key; give the fleet’s own with --signing-key'
  }
  if (message === 'you not') {
    return `${flags.thing} isn’t in the allow-list, is blocked or was provisioned before; an operator sees which: npx landfall allow show ${flags.thing}`
  }
  if (message.startsWith('invalid CSR')) {
    return 'remove the device’s key and CSR files to let it make new ones'
  }
  return 'check --url: the edge didn’t understand the request'
}

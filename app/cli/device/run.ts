import { CommandFailure } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import type { DeviceFlags } from './command.ts'
import type { Refused } from './contract.ts'
import { deviceFiles } from './files.ts'
import { type PowerOnOutcome, powerOn } from './power-on.ts'
import { connectAndPublish } from './publish.ts'
import { createReporter, type Reporter } from './report.ts'
import { readSetup } from './setup.ts'

/** `landfall device`: power on, then publish. */
export async function runDevice(flags: DeviceFlags, context: CommandContext): Promise<void> {
  const setup = await readSetup(flags)
  const report = createReporter(context.terminal, flags)
  const { signal } = context
  let outcome: PowerOnOutcome
  try {
    outcome = await powerOn({
      thing: flags.thing,
      contract: setup.contract,
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
  } finally {
    await setup.contract.close()
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

function refusal(flags: DeviceFlags, refused: Refused, report: Reporter): CommandFailure {
  report.refused(refused)
  const request = refused.requestId === undefined ? '' : ` (request ${refused.requestId})`
  return new CommandFailure(`the edge refuses ${flags.thing}: ${refused.message}${request}`, {
    hint: refusalHint(flags, refused),
  })
}

function refusalHint(flags: DeviceFlags, { problem, message }: Refused): string {
  const operator = `an operator sees which: npx landfall allow show ${flags.thing}`
  // By the problem where there is one, else by the seed contract's message.
  switch (problem ?? message) {
    case 'wrong sig':
      return flags.fake === true
        ? asItMust
        : 'the product doesn’t know this signing key; give the fleet’s own with --signing-key'
    case 'not-authorized':
      return flags.fake === true
        ? asItMust
        : `${flags.thing} isn’t in the allow-list, or this key may not sign for it, with this kid and by this algorithm; ${operator}`
    case 'you not':
      return `${flags.thing} isn’t in the allow-list, is blocked or was provisioned before; ${operator}`
    case 'already-provisioned':
      return `an operator lets it in anew; ${operator}`
    case 'blocked':
      return `an operator blocked it; ${operator}`
    case 'wrong-audience':
      return 'give the deployment’s own name with --audience: `audience` in the edge’s configuration'
    case 'stale-request':
      return 'the edge calls its own nonces stale: are the clocks of the edges right?'
  }
  if (problem === 'invalid-csr' || message.startsWith('invalid CSR')) {
    return 'remove the device’s key and CSR files to let it make new ones'
  }
  return 'check --url: the edge didn’t understand the request'
}

const asItMust = 'as it must: this request was forged'

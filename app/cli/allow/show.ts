import { findDrift } from '../../provisioning/identity-drift.ts'
import { seeIdentity } from '../../provisioning/see-identity.ts'
import { CommandFailure } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import { eachDevice, type Unreadable } from './each-device.ts'
import { openOrders } from './open-orders.ts'
import { describeRefusal } from './order-in-words.ts'
import { readNames } from './read-names.ts'
import type { ShowFlags } from './show-command.ts'
import { describeSigningKey, renderIdentity, type SeenDevice, showDevice } from './show-device.ts'

/** `landfall allow show`: the records as they stand now, read consistently, and their certificates. */
export async function showDevices(
  args: readonly string[],
  flags: ShowFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context
  const names = await readNames(args, context.signal)
  const access = await openOrders(flags, context, names.length)
  const policyName = access.config?.devicePolicyName
  let shown = 0
  let missing = 0

  async function look(name: string, signal: AbortSignal): Promise<SeenDevice | undefined> {
    const record = await access.allowList.find(name, { signal, consistent: true })
    if (record === undefined) return undefined
    const signsWith = await describeSigningKey(record)
    if (flags.recordOnly === true) return { record, signsWith }
    const seen = await seeIdentity({ ...access, signal }, record)
    return { record, signsWith, identity: { ...seen, drift: findDrift(record, seen, policyName) } }
  }

  function report(name: string, result: SeenDevice | Unreadable | undefined): void {
    const failed = result === undefined || 'unreadable' in result
    if (failed) missing++
    if (failed) {
      const { reason, inWords } = describeRefusal(result ?? { type: 'unknown' })
      const { unreadable } = result ?? {}
      if (flags.json === true) terminal.json({ thingName: name, status: reason, unreadable })
      else terminal.out(`${shown > 0 ? '\n' : ''}${name} ${inWords}`)
    } else if (flags.json === true) {
      terminal.json({ ...result.record, ...renderIdentity(result) })
    } else {
      if (shown > 0) terminal.out('')
      showDevice(result, terminal)
    }
    shown++
  }

  try {
    await eachDevice(names, context, {
      failing: (name) => `${name} can’t be read`,
      work: look,
      report,
    })
  } finally {
    access.close()
  }
  if (missing > 0) {
    const devices = `${missing} of ${names.length} ${names.length === 1 ? 'device' : 'devices'}`
    throw new CommandFailure(`${devices} not in the allow-list`, {
      hint: 'npx landfall allow add NAME',
    })
  }
}

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
  let unreadable = 0

  async function look(name: string, signal: AbortSignal): Promise<SeenDevice | undefined> {
    const record = await access.allowList.find(name, { signal, consistent: true })
    if (record === undefined) return undefined
    const signsWith = await describeSigningKey(record)
    if (flags.recordOnly === true) return { record, signsWith }
    const seen = await seeIdentity({ ...access, signal }, record)
    return { record, signsWith, identity: { ...seen, drift: findDrift(record, seen, policyName) } }
  }

  function report(name: string, result: SeenDevice | Unreadable | undefined): void {
    if (result === undefined || 'unreadable' in result) {
      if (result === undefined) missing++
      else unreadable++
      const { reason, inWords } = describeRefusal(result ?? { type: 'unknown' })
      const problem = result?.unreadable
      if (flags.json === true)
        terminal.json({ thingName: name, status: reason, unreadable: problem })
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
  if (missing + unreadable > 0) throw notShown({ missing, unreadable, of: names.length })
}

function notShown(it: { missing: number; unreadable: number; of: number }): CommandFailure {
  const devices = (count: number) => `${count} of ${it.of} ${it.of === 1 ? 'device' : 'devices'}`
  const absent = `${devices(it.missing)} not in the allow-list`
  if (it.unreadable === 0) {
    return new CommandFailure(absent, { hint: 'npx landfall allow add NAME' })
  }
  // To add it would change nothing: its row is there.
  const broken = `${devices(it.unreadable)} with a row that is no device record`
  return new CommandFailure(it.missing === 0 ? broken : `${absent}, ${broken}`, {
    hint: 'correct the row in the table: docs/storage.md has its attributes',
  })
}

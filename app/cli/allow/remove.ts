import { type RemoveOutcome, removeDevice } from '../../provisioning/remove-device.ts'
import type { CommandContext } from '../program.ts'
import { describeRefusal } from './order-in-words.ts'
import type { RemoveFlags } from './remove-command.ts'
import { runOrders } from './run-orders.ts'

/** `landfall allow remove`: what a device has first, then its row. */
export async function removeDevices(
  args: readonly string[],
  flags: RemoveFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context
  await runOrders<RemoveOutcome>(args, flags, context, {
    done: 'removed',
    question: (names) => `Remove ${names}, with their history, and destroy what they have?`,
    work: removeDevice,
    report(name, result) {
      // Removed before, perhaps by this very order: there is nothing left to do.
      if (result.type === 'unknown') {
        const ended = { thingName: name, removed: true, changed: false, destroyed: [] }
        if (flags.json === true) terminal.json(ended)
        else terminal.out(`${name} is not in the allow-list: nothing to remove`)
        return 'done'
      }
      if (result.type === 'removed') {
        const { destroyed } = result
        const ids = destroyed.map((it) => `${it.certificateId.slice(0, 10)}… in ${it.region}`)
        const ended = { thingName: name, removed: true, changed: true, destroyed }
        if (flags.json === true) terminal.json(ended)
        else terminal.out(`${name} removed${ids.length > 0 ? `; destroyed ${ids.join(', ')}` : ''}`)
        return 'done'
      }
      if (result.type !== 'unfinished') return describeRefusal(result)
      const { problems } = result
      return { reason: 'unfinished', inWords: 'is blocked, but not removed', problems }
    },
    failure: (ending) =>
      ending === 'failed'
        ? { what: 'not removed', hint: 'npx landfall allow show NAME' }
        : {
            what: 'blocked, but not removed',
            hint: 'remove again once its region can be reached',
          },
  })
}

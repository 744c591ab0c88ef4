import { giveOrder, type Ordered } from '../../provisioning/give-order.ts'
import type { CommandContext } from '../program.ts'
import type { DeviceFlags } from './device-flags.ts'
import { describeRefusal } from './order-in-words.ts'
import { runOrders } from './run-orders.ts'

/** `landfall allow unblock`: one compare-and-swap each; what is superseded stays so. */
export async function unblockDevices(
  args: readonly string[],
  flags: DeviceFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context
  await runOrders<Ordered>(args, flags, context, {
    done: 'unblocked',
    work: (deps, name) =>
      giveOrder(deps, name, { type: 'unblock', by: deps.by, attemptId: deps.newAttemptId() }),
    report(name, result) {
      if (result.type !== 'done') return describeRefusal(result)
      const { changed, record } = result
      // The order may have been given before: then there is nothing left to do.
      const said = changed ? 'may ask again' : `isn’t blocked: it is ${record.status}`
      if (flags.json === true) terminal.json({ thingName: name, unblocked: true, changed })
      else terminal.out(`${name} ${said}`)
      return 'done'
    },
    failure: () => ({ what: 'not unblocked', hint: 'npx landfall allow show NAME' }),
  })
}

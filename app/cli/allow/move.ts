import { giveOrder, type Ordered } from '../../provisioning/give-order.ts'
import type { CommandContext } from '../program.ts'
import { checkRegion } from '../region/region-access.ts'
import type { MoveFlags } from './move-command.ts'
import { describeRefusal } from './order-in-words.ts'
import { runOrders } from './run-orders.ts'

/**
 * `landfall allow move`: pins devices to a region. A provisioned device keeps what it has until it
 * asks again; then its certificate is replaced by one in the new region.
 */
export async function moveDevices(
  args: readonly string[],
  flags: MoveFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context
  const region = flags.to
  checkRegion(region, undefined)
  await runOrders<Ordered>(args, flags, context, {
    done: 'moved',
    check: ({ config }) => checkRegion(region, config),
    work: (deps, name) =>
      giveOrder(deps, name, {
        type: 'move',
        by: deps.by,
        attemptId: deps.newAttemptId(),
        region,
      }),
    report(name, result) {
      if (result.type === 'done') {
        if (flags.json === true) terminal.json({ thingName: name, moved: true, region })
        else terminal.out(`${name} lands in ${region} at its next request`)
        return 'done'
      }
      return describeRefusal(result)
    },
    failure: () => ({ what: 'not moved', hint: 'npx landfall allow show NAME' }),
  })
}

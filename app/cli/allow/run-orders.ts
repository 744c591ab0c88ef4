import type { OrderDeps } from '../../provisioning/give-order.ts'
import { confirm } from '../confirm.ts'
import { CommandFailure, misuse } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import type { DeviceFlags } from './device-flags.ts'
import { eachDevice, type Unreadable } from './each-device.ts'
import { type OrderAccess, openOrders } from './open-orders.ts'
import { type NotDone, showNotDone } from './order-in-words.ts'
import { describeNames, readNames } from './read-names.ts'

/** How a device's order ended. `unfinished`: it holds, but something is still to be done. */
export type Ending = 'done' | 'failed' | 'unfinished'

/** One command on single devices: what it does to each, and what it says. */
export type Order<T> = {
  /** `blocked`, as in `lamp-1 wasn’t blocked` and `nothing was blocked`. */
  readonly done: string
  /** Asked first, of the names, unless `--yes` is given; absent where nothing is destroyed. */
  readonly question?: (names: string) => string
  /** Refuses what makes no sense, before anything is done. */
  readonly check?: (access: OrderAccess) => void | Promise<void>
  readonly work: (deps: OrderDeps & Pick<OrderAccess, 'allowList'>, name: string) => Promise<T>
  /** Says what was done, or gives back why it wasn't. */
  readonly report: (name: string, result: T | Unreadable) => Ending | NotDone
  /** Why the command fails: what follows `2 of 3 devices`, and what to do. */
  readonly failure: (ending: 'failed' | 'unfinished') => { what: string; hint: string }
}

/** Reads the names, asks, and carries the order out for each; fails where it wasn't done for every one. */
export async function runOrders<T>(
  args: readonly string[],
  flags: DeviceFlags & { yes?: true; json?: true },
  context: CommandContext,
  order: Order<T>,
): Promise<void> {
  context.changes()
  const asks = order.question !== undefined && flags.yes !== true
  if (asks && args.includes('-')) {
    throw misuse('with names from stdin nobody can be asked', 'add --yes, or give the names here')
  }
  const names = await readNames(args, context.signal)
  const access = await openOrders(flags, context, names.length)
  const endings: Record<Ending, number> = { done: 0, failed: 0, unfinished: 0 }
  try {
    await order.check?.(access)
    if (asks) {
      const question = order.question(describeNames(names))
      await confirm(question, `nothing was ${order.done}`, context)
    }
    const by = await access.caller()
    await eachDevice<T>(names, context, {
      failing: (name) => `${name} wasn’t ${order.done}, as far as is known`,
      work: (name, signal) => order.work({ ...access, by, signal }, name),
      report(name, result) {
        const told = order.report(name, result)
        const ending =
          typeof told === 'string'
            ? told
            : showNotDone(told, { name, done: order.done, json: flags.json === true }, context)
        endings[ending]++
      },
    })
  } finally {
    access.close()
  }
  for (const ending of ['unfinished', 'failed'] as const) {
    if (endings[ending] === 0) continue
    const { what, hint } = order.failure(ending)
    const devices = `${endings[ending]} of ${names.length} ${names.length === 1 ? 'device' : 'devices'}`
    throw new CommandFailure(`${devices} ${what}`, { hint })
  }
}

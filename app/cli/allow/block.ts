import { type Blocked, blockDevice } from '../../provisioning/block-device.ts'
import type { Ordered } from '../../provisioning/give-order.ts'
import type { CommandContext } from '../program.ts'
import type { BlockFlags } from './block-command.ts'
import { describeCutOffs, describeRefusal, renderCutOff, showProblems } from './order-in-words.ts'
import { runOrders } from './run-orders.ts'

type Result = (Blocked & { milliseconds: number }) | Exclude<Ordered, { type: 'done' }>

/** `landfall allow block`: for each device its record, then its certificate, read back, with the time it took. */
export async function blockDevices(
  args: readonly string[],
  flags: BlockFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context
  await runOrders<Result>(args, flags, context, {
    done: 'blocked',
    question: (names) => `Block ${names}? What they have becomes INACTIVE for good.`,
    async work(deps, name) {
      const startedAt = performance.now()
      const result = await blockDevice(deps, name)
      if (result.type !== 'blocked') return result
      return { ...result, milliseconds: Math.round(performance.now() - startedAt) }
    },
    report(name, result) {
      if (result.type !== 'blocked') return describeRefusal(result)
      const { cutOffs, problems, milliseconds } = result
      const ending = problems.length > 0 ? 'unfinished' : 'done'
      if (flags.json === true) {
        const certificates = cutOffs.map(renderCutOff)
        terminal.json({ thingName: name, blocked: true, certificates, problems, milliseconds })
        return ending
      }
      const took = `${(milliseconds / 1000).toFixed(2)} s`
      const done =
        cutOffs.length === 0 ? `in ${took}: it has no certificate` : `and cut off in ${took}`
      const how = ending === 'done' ? done : 'but not known to be cut off'
      terminal.out(`${name} blocked ${how}${describeCutOffs(cutOffs)}`)
      showProblems(problems, terminal)
      return ending
    },
    failure: (ending) =>
      ending === 'failed'
        ? { what: 'not blocked', hint: 'npx landfall allow show NAME' }
        : {
            what: 'blocked, but a certificate may still be usable',
            hint: 'block again once its region can be reached; a sweep finishes it as well',
          },
  })
}

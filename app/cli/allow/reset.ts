import { type ResetOutcome, resetDevice } from '../../provisioning/reset-device.ts'
import type { CommandContext } from '../program.ts'
import { describeCutOffs, describeRefusal, renderCutOff } from './order-in-words.ts'
import type { ResetFlags } from './reset-command.ts'
import { runOrders } from './run-orders.ts'

/** `landfall allow reset`: the record gives up what the device has, that is deactivated, and the device may ask. */
export async function resetDevices(
  args: readonly string[],
  flags: ResetFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context
  await runOrders<ResetOutcome>(args, flags, context, {
    done: 'reset',
    question: (names) => `Reset ${names}? What they have becomes INACTIVE for good.`,
    work: resetDevice,
    report(name, result) {
      if (result.type === 'nothing') {
        if (flags.json === true) terminal.json({ thingName: name, reset: true, certificates: [] })
        else terminal.out(`${name} has nothing, and may ask already`)
        return 'done'
      }
      if (result.type !== 'reset' && result.type !== 'unfinished') return describeRefusal(result)
      const certificates = result.cutOffs.map(renderCutOff)
      if (result.type === 'reset') {
        if (flags.json === true) terminal.json({ thingName: name, reset: true, certificates })
        else terminal.out(`${name} may ask again${describeCutOffs(result.cutOffs)}`)
        return 'done'
      }
      return {
        reason: 'unfinished',
        inWords: 'has given up what it had, but may not ask yet',
        problems: result.problems,
        members: { certificates },
      }
    },
    failure: (ending) =>
      ending === 'failed'
        ? { what: 'not reset', hint: 'npx landfall allow show NAME' }
        : {
            what: 'not reset to the end',
            hint: 'reset again once its region can be reached; until then its requests are told to wait',
          },
  })
}

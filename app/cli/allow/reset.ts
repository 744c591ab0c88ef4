import { type ResetOutcome, resetDevice } from '../../provisioning/reset-device.ts'
import type { CommandContext } from '../program.ts'
import { describeCutOffs, describeRefusal, renderCutOff, showProblems } from './order-in-words.ts'
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
      if (result.type !== 'reset' && result.type !== 'unfinished') {
        const { reason, inWords } = describeRefusal(result)
        if (flags.json === true) terminal.json({ thingName: name, reset: false, reason })
        else terminal.out(`${name} ${inWords}`)
        return 'failed'
      }
      const certificates = result.cutOffs.map(renderCutOff)
      if (result.type === 'reset') {
        if (flags.json === true) terminal.json({ thingName: name, reset: true, certificates })
        else terminal.out(`${name} may ask again${describeCutOffs(result.cutOffs)}`)
        return 'done'
      }
      const { problems } = result
      if (flags.json === true) {
        const reason = 'unfinished'
        terminal.json({ thingName: name, reset: false, reason, certificates, problems })
      } else {
        terminal.out(`${name} has given up what it had, but may not ask yet`)
        showProblems(problems, terminal)
      }
      return 'unfinished'
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

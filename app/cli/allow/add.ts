import { isSameRow } from '../../allowlist/device-row.ts'
import { allowedDevice } from '../../provisioning/device-record.ts'
import { misuse } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import type { AddFlags } from './add-command.ts'
import { checkProduct } from './check-product.ts'
import { readDeviceKey } from './device-key.ts'
import { runOrders } from './run-orders.ts'

/** `landfall allow add`: each name by a conditional write, so no row that is there is ever touched. */
export async function addDevices(
  args: readonly string[],
  flags: AddFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context
  if (flags.publicKey !== undefined && args.includes('-')) {
    throw misuse('--public-key is one device’s', 'add each device with its own key')
  }
  const publicKey =
    flags.publicKey === undefined ? undefined : await readDeviceKey(flags.publicKey, args)
  const given = {
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(flags.product === undefined ? {} : { product: flags.product }),
    ...(flags.attribute === undefined ? {} : { attributes: flags.attribute }),
  }
  await runOrders<boolean>(args, flags, context, {
    done: 'added',
    async work({ allowList, by, now, signal }, name) {
      const record = allowedDevice(name, now(), { ...given, by })
      if (await allowList.add(record, signal)) return true
      // A lost answer, which the SDK tried again: the row is this one's own.
      const current = await allowList.find(name, { signal, consistent: true })
      return current !== undefined && isSameRow(current, record)
    },
    async check({ config }) {
      const { product } = flags
      if (product !== undefined) await checkProduct(product, flags, config, context)
    },
    report(name, result) {
      const added = result === true
      if (flags.json === true) terminal.json({ thingName: name, added })
      else terminal.out(added ? `${name} added` : `${name} is in the list already: left as it is`)
      return added ? 'done' : 'failed'
    },
    failure: () => ({ what: 'in the list already', hint: 'npx landfall allow show NAME' }),
  })
}

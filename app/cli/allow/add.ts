import { allowedDevice } from '../../provisioning/device-record.ts'
import type { CommandContext } from '../program.ts'
import { forDevice, openAllowList, someFailed } from './allow-list-access.ts'
import type { AddFlags } from './command.ts'
import { readDeviceKey } from './device-key.ts'

/** `landfall allow add`: each name by a conditional write, so no row that is there is ever touched. */
export async function addDevices(
  names: readonly string[],
  flags: AddFlags,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const publicKey =
    flags.publicKey === undefined ? undefined : await readDeviceKey(flags.publicKey, names)
  const { allowList } = await openAllowList(names, flags)
  const given = {
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(flags.product === undefined ? {} : { product: flags.product }),
    ...(flags.attribute === undefined ? {} : { attributes: flags.attribute }),
  }
  let there = 0
  for (const name of names) {
    const added = await forDevice(`${name} wasn’t added`, () =>
      allowList.add(allowedDevice(name, Date.now(), given), signal),
    )
    if (!added) there++
    if (flags.json === true) terminal.json({ thingName: name, added })
    else terminal.out(added ? `${name} added` : `${name} is in the list already: left as it is`)
  }
  if (there > 0) {
    const first = names[0] ?? ''
    throw someFailed(there, names.length, 'in the list already', `npx landfall allow show ${first}`)
  }
}

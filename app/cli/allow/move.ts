import { randomUUID } from 'node:crypto'
import { findRegion } from '../../../regions/catalogue.ts'
import { misuse } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import { forDevice, openAllowList, someFailed } from './allow-list-access.ts'
import type { MoveFlags } from './command.ts'
import { orderDevice } from './order.ts'

const whyNot = {
  blocked: 'is blocked',
  'no-certificate': 'was provisioned by something else: its certificate isn’t known here',
} as const

/**
 * `landfall allow move`: pins devices to a region. A provisioned device keeps what it has until it
 * asks again; then its certificate is replaced by one in the new region.
 */
export async function moveDevices(
  names: readonly string[],
  flags: MoveFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal, signal } = context
  if (findRegion(flags.to) === undefined) {
    throw misuse(`--to ${flags.to} is no Region with AWS IoT Core`, 'for example --to eu-central-1')
  }
  const access = await openAllowList(names, flags)
  let failed = 0
  for (const name of names) {
    const event = { type: 'move', attemptId: randomUUID(), region: flags.to } as const
    const ordered = await forDevice(`${name} wasn’t moved`, () =>
      orderDevice(access, name, event, signal),
    )
    const moved = ordered?.kind === 'done'
    if (!moved) failed++
    if (flags.json === true) {
      const reason = ordered === undefined ? 'unknown' : 'reason' in ordered && ordered.reason
      terminal.json({ thingName: name, moved, ...(moved ? { region: flags.to } : { reason }) })
    } else if (ordered === undefined) terminal.out(`${name} is not in the allow-list`)
    else if (ordered.kind === 'refused') terminal.out(`${name} ${describe(ordered.reason)}`)
    else terminal.out(`${name} lands in ${flags.to} at its next request`)
  }
  if (failed > 0)
    throw someFailed(failed, names.length, 'not moved', 'npx landfall allow show NAME')
}

function describe(reason: string): string {
  return reason in whyNot ? whyNot[reason as keyof typeof whyNot] : `can’t be moved: ${reason}`
}

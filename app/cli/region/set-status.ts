import type { OperatorStatus } from '../../region-status/status-row.ts'
import { listStatuses, putStatus } from '../../region-status/status-table.ts'
import { onAws } from '../product/control-access.ts'
import type { CommandContext } from '../program.ts'
import type { DrainFlags, RegionFlags } from './command.ts'
import { checkRegion, openRegions } from './region-access.ts'

/** `landfall region drain`: no new devices, but those that are pinned there. */
export async function drainRegion(
  region: string,
  flags: DrainFlags,
  context: CommandContext,
): Promise<void> {
  await setStatus({ region, status: 'draining', note: flags.note }, flags, context)
}

/** `landfall region restore`: new devices again. */
export async function restoreRegion(
  region: string,
  flags: RegionFlags,
  context: CommandContext,
): Promise<void> {
  await setStatus({ region, status: 'active', note: undefined }, flags, context)
}

async function setStatus(
  asked: { region: string; status: OperatorStatus['status']; note: string | undefined },
  flags: RegionFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context
  const { region, status, note } = asked
  const { control, config } = await openRegions(flags, context)
  // What is no longer enabled can be restored all the same: its row is all that there is of it.
  checkRegion(region, status === 'draining' ? config : undefined)
  const { rows } = await onAws('the control table can’t be read', () => listStatuses(control))
  const before = rows.find((it) => it.region === region)
  const isSo = (before?.status ?? 'active') === status && (note ?? before?.note) === before?.note
  const next: OperatorStatus = isSo
    ? (before ?? { region, status })
    : {
        region,
        status,
        since: Date.now(),
        by: await onAws('the caller isn’t known', () => control.caller()),
        ...(note === undefined ? {} : { note }),
      }
  if (!isSo) await onAws(`${region} can’t be set`, () => putStatus(control, next))
  if (flags.json === true) terminal.json({ ...next, changed: !isSo })
  else terminal.out(inWords(next, isSo))
  const others = config?.deviceRegions.map((it) => it.region).filter((it) => it !== region)
  const draining = new Set(rows.filter((it) => it.status === 'draining').map((it) => it.region))
  if (status === 'draining' && others?.every((it) => draining.has(it))) {
    terminal.note('warning: every enabled region drains now: new devices are told to wait')
  }
}

function inWords({ region, status }: OperatorStatus, isSo: boolean): string {
  if (isSo) return `${region} was ${status} already`
  return status === 'draining'
    ? `${region} drains: within 10 s no edge sends it new devices; those it has stay`
    : `${region} is active: within 10 s every edge sends it new devices again`
}

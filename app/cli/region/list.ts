import { defaultQuotas } from '../../../regions/default-quotas.ts'
import type { EdgeBreaker, OperatorStatus } from '../../region-status/status-row.ts'
import { listBreakers, listStatuses } from '../../region-status/status-table.ts'
import { onAws } from '../product/control-access.ts'
import type { CommandContext } from '../program.ts'
import type { RegionFlags } from './command.ts'
import { openRegions } from './region-access.ts'

/** `landfall region list`: what the configuration, operators and edges say of each region. */
export async function listRegions(flags: RegionFlags, context: CommandContext): Promise<void> {
  const { terminal } = context
  const { control, config } = await openRegions(flags, context)
  const [statuses, breakers] = await onAws('the control table can’t be read', () =>
    Promise.all([listStatuses(control), listBreakers(control)]),
  )
  const now = Date.now()
  const told = [...statuses.rows, ...breakers.rows].map((it) => it.region)
  const names = config?.deviceRegions.map((it) => it.region) ?? [...new Set(told)].sort()
  const rows = names.map((region) => {
    const planned = config?.deviceRegions.find((it) => it.region === region)
    const status: OperatorStatus = statuses.rows.find((it) => it.region === region) ?? {
      region,
      status: 'active',
    }
    const edges = breakers.rows.filter((it) => it.region === region)
    return { region, planned, status, edges }
  })
  for (const { region, planned, status, edges } of flags.json === true ? rows : []) {
    terminal.json({
      ...status,
      ...(status.since === undefined ? {} : { since: iso(status.since) }),
      roleArn: planned?.roleArn ?? null,
      endpointAddress: planned?.endpointAddress ?? null,
      ...defaultQuotas(region),
      edges: edges.map((it) => ({
        edge: it.edge,
        state: stateOf(it, now),
        since: iso(it.breaker.since),
        until: it.breaker.state === 'open' ? iso(it.breaker.until) : null,
        lastError: it.breaker.lastError ?? null,
      })),
    })
  }
  if (flags.json !== true) {
    terminal.table(
      ['region', 'status', 'breaker', 'last error', 'role', 'endpoint', 'certificates/s'],
      rows.map(({ region, planned, status, edges }) => [
        region,
        statusInWords(status),
        edges.map((it) => breakerInWords(it, now)).join('; ') || '-',
        edges.flatMap((it) => it.breaker.lastError ?? []).join(', ') || '-',
        shortRole(planned?.roleArn),
        planned?.endpointAddress ?? '-',
        String(defaultQuotas(region).csrsPerSecond),
      ]),
    )
  }
  if (config === undefined) {
    terminal.note('note: only regions of which the table says something; --config names them all')
  }
  for (const problem of [...statuses.problems, ...breakers.problems]) {
    terminal.note(`warning: ${problem}`)
  }
}

function statusInWords({ status, since, note }: OperatorStatus): string {
  if (status === 'active') return status
  const from = since === undefined ? '' : ` since ${iso(since)}`
  return `${status}${from}${note === undefined ? '' : ` (${note})`}`
}

/** An edge's process says when a breaker opens and closes; that its time is over, the clock does. */
function stateOf({ breaker }: EdgeBreaker, now: number): 'closed' | 'open' | 'half-open' {
  if (breaker.state === 'closed') return 'closed'
  return now < breaker.until ? 'open' : 'half-open'
}

function breakerInWords(it: EdgeBreaker, now: number): string {
  const { edge, breaker } = it
  switch (stateOf(it, now)) {
    case 'closed':
      return `${edge}: closed`
    case 'open':
      return `${edge}: open until ${breaker.state === 'open' ? iso(breaker.until) : ''}`
    case 'half-open':
      return `${edge}: half-open, the next device decides`
  }
}

/** `111122223333 landfall-edge-eu-west-1` */
function shortRole(arn: string | undefined): string {
  const [, account = '', name = ''] = /^arn:[^:]*:iam::(\d+):role\/(.+)$/.exec(arn ?? '') ?? []
  return name === '' ? '-' : `${account} ${name}`
}

/** UTC, whole seconds. */
function iso(epochMilliseconds: number): string {
  return `${new Date(epochMilliseconds).toISOString().slice(0, 19)}Z`
}

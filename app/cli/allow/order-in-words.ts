import type { CutOff } from '../../provisioning/cut-off.ts'
import type { Ordered } from '../../provisioning/give-order.ts'
import type { Terminal } from '../terminal.ts'
import type { Unreadable } from './each-device.ts'

/** Why an order wasn't carried out, or not to its end: then with what stands in its way. */
export type NotDone = {
  /** A word for machines. */
  readonly reason: string
  /** What stands after the device's name. */
  readonly inWords: string
  readonly problems?: readonly string[]
  /** What else the JSON has. */
  readonly members?: Readonly<Record<string, unknown>>
}

/** `done`: what the order would have made of the device, which names the JSON's member too. */
export function showNotDone(
  { reason, inWords, problems, members }: NotDone,
  { name, done, json }: { readonly name: string; readonly done: string; readonly json: boolean },
  { terminal }: { readonly terminal: Terminal },
): 'failed' | 'unfinished' {
  if (json) {
    const rest = { ...members, ...(problems === undefined ? {} : { problems }) }
    terminal.json({ thingName: name, [done]: false, reason, ...rest })
  } else {
    terminal.out(`${name} ${inWords}`)
    showProblems(problems ?? [], terminal)
  }
  return problems === undefined ? 'failed' : 'unfinished'
}

const refusals: Readonly<Record<string, string>> = {
  blocked: 'is blocked: npx landfall allow unblock',
  'no-certificate':
    'was provisioned by something else, and its certificate isn’t known here: block it, then unblock it',
}

export function describeRefusal(ordered: Exclude<Ordered, { type: 'done' }> | Unreadable): NotDone {
  switch (ordered.type) {
    case 'unknown':
      return { reason: 'unknown', inWords: 'is not in the allow-list' }
    case 'contended':
      return { reason: 'contended', inWords: 'changes faster than it can be written: try again' }
    case 'unreadable':
      return { reason: 'unreadable', inWords: `has no device record: ${ordered.unreadable}` }
    case 'refused':
      return {
        reason: ordered.reason,
        inWords: refusals[ordered.reason] ?? `can’t be: ${ordered.reason}`,
      }
  }
}

/** As JSON has it: AWS IoT's own word for the status. */
export function renderCutOff({ region, certificateId, state, problem }: CutOff) {
  const status = { inactive: 'INACTIVE', gone: 'gone', failed: 'unknown' }[state]
  return { region, certificateId, status, ...(problem === undefined ? {} : { problem }) }
}

/** `: 9f3a2b1c… in eu-west-1 is INACTIVE and detached`; nothing about those that failed. */
export function describeCutOffs(cutOffs: readonly CutOff[]): string {
  const described = cutOffs.flatMap(({ region, certificateId, state }) => {
    if (state === 'failed') return []
    const what = state === 'gone' ? 'is gone' : 'is INACTIVE and detached'
    return [`${certificateId.slice(0, 10)}… in ${region} ${what}`]
  })
  return described.length === 0 ? '' : `: ${described.join(', ')}`
}

export function showProblems(problems: readonly string[], terminal: Terminal): void {
  for (const problem of problems) terminal.out(`  ${terminal.paint('red', '✗')} ${problem}`)
}

import type { CutOff } from '../../provisioning/cut-off.ts'
import type { Ordered } from '../../provisioning/give-order.ts'
import type { Terminal } from '../terminal.ts'
import type { Unreadable } from './each-device.ts'

/** Why an order wasn't carried out: a word for machines, and what stands after the device's name. */
export type RefusalInWords = { readonly reason: string; readonly inWords: string }

const refusals: Readonly<Record<string, string>> = {
  blocked: 'is blocked: npx landfall allow unblock',
  'no-certificate':
    'was provisioned by something else, and its certificate isn’t known here: block it, then unblock it',
}

export function describeRefusal(
  ordered: Exclude<Ordered, { type: 'done' }> | Unreadable,
): RefusalInWords {
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

import { requestOutcomes } from '../../edge/request-log.ts'
import { plainText } from '../plain-text.ts'
import type { Terminal } from '../terminal.ts'
import type { WatchSummary } from './watch-tally.ts'

const shown = 20
const regionsOfStatus = 4

/** Everything that was watched, for people. */
export function summaryInWords(summary: WatchSummary, terminal: Terminal): void {
  const { regions, reasons, breakersOpened } = summary
  terminal.out(terminal.paint('bold', headline(summary)))
  if (regions.length > 0) {
    terminal.out('')
    terminal.table(
      ['region', 'provisioned', 'repeated', 'failed', 'mean km'],
      regions
        .slice(0, shown)
        .map((it) => [
          plainText(it.region),
          count(it.provisioned),
          count(it.repeated),
          count(it.failed),
          it.meanKm === undefined ? '-' : count(Math.round(it.meanKm)),
        ]),
    )
  }
  if (reasons.length > 0) {
    terminal.out('')
    const rows = reasons.slice(0, shown).map((it) => [plainText(it.reason), count(it.requests)])
    terminal.table(['refused or failed, as', 'requests'], rows)
  }
  if (breakersOpened > 0) {
    terminal.out('')
    terminal.out(`regions kept out: ${count(breakersOpened)} times`)
  }
}

/** What there is to say of the log itself. */
export function summaryNotes({ requestsRead, passedOver }: WatchSummary, terminal: Terminal): void {
  if (passedOver > 0) {
    const lines = passedOver === 1 ? 'line tells' : 'lines tell'
    terminal.note(`note: ${count(passedOver)} ${lines} of nothing here`)
  }
  if (requestsRead === 0 && passedOver > 0 && passedOver < linesInVain) terminal.note(wrongLog)
}

/** After so many lines without one request it may be the wrong log, or the wrong format. */
export const linesInVain = 50

export const wrongLog =
  'hint: an edge’s log has one JSON object a line; of CloudWatch: aws logs tail GROUP --follow --format short'

/** All of it in one line. */
export function headline({ requests, outcomes, seconds }: WatchSummary): string {
  const counts = requestOutcomes.map((it) => `${count(outcomes[it])} ${it}`).join(', ')
  const rate =
    seconds >= 1 && requests > 1
      ? ` in ${span(seconds)} (${perSecond((requests - 1) / seconds)})`
      : ''
  return `${count(requests)} ${requests === 1 ? 'request' : 'requests'}${rate}: ${counts}`
}

/** The line that stands below the events while they come; `rate` in requests a second. */
export function statusLine(summary: WatchSummary, rate: number, paint: Terminal['paint']): string {
  const { outcomes, regions } = summary
  const colours = {
    provisioned: 'green',
    repeated: 'cyan',
    refused: 'yellow',
    failed: 'red',
  } as const
  const counts = requestOutcomes.map((it) => {
    const said = `${count(outcomes[it])} ${it}`
    return outcomes[it] === 0 ? said : paint(colours[it], said)
  })
  const busiest = regions
    .slice(0, regionsOfStatus)
    .map((it) => `${plainText(it.region)} ${count(it.provisioned + it.repeated)}`)
  const more = regions.length - busiest.length
  const where = `${busiest.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  return [counts.join(' · '), perSecond(rate), where].filter((it) => it !== '').join('   ')
}

function perSecond(rate: number): string {
  if (rate === 0 || rate >= 0.1) return `${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`
  return `${(rate * 60).toFixed(1)} a minute`
}

function span(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} days`
}

function count(value: number): string {
  return value.toLocaleString('en')
}

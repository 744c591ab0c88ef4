import type { TablePage } from '../../allowlist/table-pages.ts'
import type { Terminal } from '../terminal.ts'

/** How far a long read of the table is; on a terminal only. */
export type ScanProgress = {
  page(page: Pick<TablePage, 'looked' | 'readUnits'>): void
  finish(): void
  totals(): { readonly rows: number; readonly readUnits: number }
}

/** The first page has no progress to show, and most reads are no more than that. */
const pagesUnseen = 1

/** `expected`: about how many rows there are, where that is known. */
export function startScanProgress(
  terminal: Terminal,
  doing: string,
  expected: number | undefined,
  now: () => number = () => performance.now(),
): ScanProgress {
  const startedAt = now()
  let rows = 0
  let readUnits = 0
  let pages = 0
  let bar: ReturnType<Terminal['progress']> | undefined
  return {
    page(page) {
      rows += page.looked
      readUnits += page.readUnits
      pages++
      if (pages <= pagesUnseen || !terminal.animated) return
      const seconds = (now() - startedAt) / 1000
      const text = describeProgress({ doing, rows, expected, seconds })
      if (bar === undefined) {
        bar = terminal.progress(1)
        bar.step(text)
      }
      bar.update(text, expected === undefined ? 0 : Math.min(0.99, rows / expected))
    },
    finish: () => bar?.finish(),
    totals: () => ({ rows, readUnits }),
  }
}

/** One line: how many rows, of about how many, how fast, how long still. Pure. */
export function describeProgress(it: {
  readonly doing: string
  readonly rows: number
  readonly expected: number | undefined
  readonly seconds: number
}): string {
  const { doing, rows, expected, seconds } = it
  const perSecond = seconds > 0 ? rows / seconds : 0
  const parts = [`${doing} … ${rows.toLocaleString('en')}`]
  if (expected !== undefined && expected > 0)
    parts[0] += ` of about ${expected.toLocaleString('en')} rows`
  else parts[0] += ' rows'
  if (perSecond >= 1) parts.push(`${Math.round(perSecond).toLocaleString('en')}/s`)
  if (expected !== undefined && perSecond > 0 && rows < expected) {
    parts.push(`${inWords((expected - rows) / perSecond)} left`)
  }
  return parts.join(', ')
}

function inWords(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  return `${Math.round(seconds / 3600)} h`
}

import type { Terminal } from '../../terminal.ts'
import type { Tally } from './import-rows.ts'

export type ImportProgress = { finish(): void }

type Watched = {
  readonly tally: Tally
  readonly bytesRead: () => number
  readonly totalBytes: number | undefined
  /** A JSON line every so many seconds, where nobody sees a bar. */
  readonly everySeconds: number
}

const barMs = 200

/** A bar with rate and time left on a terminal; elsewhere JSON lines on stderr. */
export function showProgress(terminal: Terminal, watched: Watched): ImportProgress {
  const startedAt = performance.now()
  const look = () => describe(watched, (performance.now() - startedAt) / 1000)
  if (!terminal.animated) {
    const timer = setInterval(() => {
      terminal.note(JSON.stringify(look()))
    }, watched.everySeconds * 1000)
    timer.unref()
    return { finish: () => clearInterval(timer) }
  }
  const progress = terminal.progress(1)
  progress.step('0 rows')
  const timer = setInterval(() => {
    const now = look()
    progress.update(inWords(now), now.part)
  }, barMs)
  timer.unref()
  return {
    finish() {
      clearInterval(timer)
      progress.finish()
    },
  }
}

type Look = {
  readonly rows: number
  readonly rejected: number
  readonly rowsPerSecond: number
  readonly seconds: number
  /** How much of the file is read, 0 to 1, and the seconds that the rest takes at this rate. */
  readonly part?: number
  readonly secondsLeft?: number
}

function describe({ tally, bytesRead, totalBytes }: Watched, seconds: number): Look {
  const look = {
    rows: tally.rows,
    rejected: tally.rejected,
    rowsPerSecond: Math.round(tally.rows / Math.max(seconds, 0.001)),
    seconds: Math.round(seconds * 10) / 10,
  }
  if (totalBytes === undefined || totalBytes === 0) return look
  const part = Math.min(1, bytesRead() / totalBytes)
  const left = part > 0 ? { secondsLeft: Math.round((seconds * (1 - part)) / part) } : {}
  return { ...look, part: Math.round(part * 1000) / 1000, ...left }
}

function inWords({ rows, rejected, rowsPerSecond, part, secondsLeft }: Look): string {
  const words = [`${count(rows)} rows`, `${count(rowsPerSecond)}/s`]
  if (rejected > 0) words.push(`${count(rejected)} rejected`)
  if (part !== undefined && secondsLeft !== undefined) {
    words.unshift(`${Math.floor(part * 100)} %`)
    words.push(`${inTime(secondsLeft)} left`)
  }
  return words.join(' · ')
}

export function count(value: number): string {
  return value.toLocaleString('en')
}

/** `45 s`, `3 min 20 s`, `2 h 5 min`. */
export function inTime(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min ${whole % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

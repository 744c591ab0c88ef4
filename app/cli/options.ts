import { InvalidArgumentError } from 'commander'
import { attributeName } from '../../regions/attribute-name.ts'

/** A commander parser for a whole number from `least` to `most`. */
export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= least && value <= most)) {
      throw new InvalidArgumentError(`A whole number from ${least} to ${most} is needed.`)
    }
    return value
  }
}

/** A commander parser for seconds: 0.05 to one day. */
export function seconds(text: string): number {
  const value = /^\d{1,9}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= 0.05 && value <= 86_400)) {
    throw new InvalidArgumentError('From 0.05 to 86400 seconds are possible.')
  }
  return value
}

const UNITS = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
])

/** Seconds of a duration like `90s`, `15m`, `1h` or `2d`; undefined for anything else. */
export function findDuration(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  const seconds = UNITS.get(unit)
  return seconds === undefined ? undefined : Number(count) * seconds
}

/** A commander parser for a duration; the value is in seconds. */
export function duration(text: string): number {
  const value = findDuration(text)
  if (value === undefined) {
    throw new InvalidArgumentError('A duration like 90s, 15m, 1h or 2d is needed.')
  }
  return value
}

/** Epoch milliseconds of a date or time in ISO 8601, or of a duration ago; undefined for anything else. */
export function findTime(text: string, now: number): number | undefined {
  const seconds = findDuration(text)
  if (seconds !== undefined) return now - seconds * 1000
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

/** A commander parser for a time, as `findTime` reads it; the value is in epoch milliseconds. */
export function time(text: string): number {
  const value = findTime(text, Date.now())
  if (value === undefined) {
    throw new InvalidArgumentError(
      'A time like 2026-01-31T12:00:00Z or a duration like 2h is needed.',
    )
  }
  return value
}

/** A commander parser for a comma-separated list without empty or repeated entries. */
export function list(text: string): string[] {
  const entries = text.split(',').map((entry) => entry.trim())
  if (entries.includes('')) throw new InvalidArgumentError('An entry is empty.')
  if (new Set(entries).size < entries.length)
    throw new InvalidArgumentError('An entry is repeated.')
  return entries
}

/** A commander parser for `name=value`, repeatable: the attributes of a device record. */
export function attribute(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (value === undefined) throw new InvalidArgumentError('An attribute is name=value.')
  const parsed = attributeName.safeParse(name)
  if (!parsed.success) {
    throw new InvalidArgumentError(`Its name ${parsed.error.issues[0]?.message}.`)
  }
  return { ...before, [parsed.data]: value }
}

import { InvalidArgumentError } from 'commander'

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

/** A commander parser for a comma-separated list without empty or repeated entries. */
export function list(text: string): string[] {
  const entries = text.split(',').map((entry) => entry.trim())
  if (entries.includes('')) throw new InvalidArgumentError('An entry is empty.')
  if (new Set(entries).size < entries.length)
    throw new InvalidArgumentError('An entry is repeated.')
  return entries
}

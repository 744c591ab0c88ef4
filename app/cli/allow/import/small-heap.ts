import { setFlagsFromString } from 'node:v8'

/**
 * V8's flags for a small heap, and their defaults. Rows are short-lived, and what lives is 25 MB, but V8
 * would let their garbage take another 200 MB before it looks. Maglev, its compiler for warm code, takes
 * 25 MB to work in: the one for hot code begins earlier instead. V8 reads these at each collection and
 * each compilation, so that they may be set late; the sizes of its generations it reads at its start.
 */
const flags = [
  ['--semi-space-growth-factor=1', '--semi-space-growth-factor=2'],
  ['--heap-growing-percent=20', '--heap-growing-percent=0'],
  ['--no-maglev', '--maglev'],
  ['--invocation-count-for-turbofan=1000', '--invocation-count-for-turbofan=3000'],
] as const

/** From now on; returns what lets it grow again. */
export function keepHeapSmall(): () => void {
  for (const [small] of flags) setFlagsFromString(small)
  return () => {
    for (const [, usual] of flags) setFlagsFromString(usual)
  }
}

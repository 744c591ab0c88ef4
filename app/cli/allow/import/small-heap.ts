import { setFlagsFromString } from 'node:v8'

/**
 * Keeps V8's young generation small from now on; returns what lets it grow again. Rows are short-lived,
 * and what lives is 20 MB, but V8 would let their garbage take another 150 MB before it looks.
 * The flag is among those that V8 reads at each collection, so that it may be set late; the limits of
 * the generations (`--max-semi-space-size`) are not.
 */
export function keepHeapSmall(): () => void {
  setFlagsFromString('--optimize-for-size')
  return () => setFlagsFromString('--no-optimize-for-size')
}

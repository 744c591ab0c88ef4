import { hash } from 'node:crypto'

const slots = 2 ** 21
/** Further ones aren't held: a row of such a name that comes again is one that is there already. */
export const mostNames = slots * 0.75

export type SeenNames = {
  /** False where this name came before; it is known from now on. */
  isNew(name: string): boolean
}

/**
 * The names of a file so far, 48 bits of a hash for each, in 16 MiB however many there are. A probe passes
 * some two keys, so the chance that any of a million names is taken for another is below 1 in 10⁸.
 */
export function seenNames(): SeenNames {
  /** By open addressing; 0 is a free slot. */
  const keys = new Float64Array(slots)
  let held = 0
  return {
    isNew(name) {
      const digest = hash('sha256', name, 'buffer')
      const key = digest.readUIntBE(0, 6) + 1
      let at = digest.readUInt32BE(8) % slots
      while (keys[at] !== 0) {
        if (keys[at] === key) return false
        at = (at + 1) % slots
      }
      if (held < mostNames) {
        keys[at] = key
        held++
      }
      return true
    },
  }
}

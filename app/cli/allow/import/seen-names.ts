import { hash } from 'node:crypto'

/** Further names aren't held: a row of such a one that comes again is one that is there already. */
const fullest = 0.75

export type SeenNames = {
  /** False where this name came before; it is known from now on. */
  isNew(name: string): boolean
}

/**
 * The names of a file so far, 1.5 million of them: 40 bits of a hash for each beside its place, in 10 MiB
 * however many there are. A probe passes some two keys, so the chance that any of a million names is taken
 * for another is about 1 in 500,000.
 */
export function seenNames(slots = 2 ** 21): SeenNames {
  /** By open addressing, the key in two parts; a free slot has 0 in both. */
  const upper = new Uint32Array(slots)
  const lower = new Uint8Array(slots)
  let held = 0
  return {
    isNew(name) {
      const digest = hash('sha256', name, 'buffer')
      const high = digest.readUInt32BE(0)
      const low = digest.readUInt8(4) || 1
      let at = digest.readUInt32BE(8) % slots
      while (lower[at] !== 0) {
        if (upper[at] === high && lower[at] === low) return false
        at = (at + 1) % slots
      }
      if (held < slots * fullest) {
        upper[at] = high
        lower[at] = low
        held++
      }
      return true
    },
  }
}

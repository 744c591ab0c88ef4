import { createCipheriv, hash } from 'node:crypto'
import type { Locate } from '../../../regions/location.ts'
import { CommandFailure } from '../failure.ts'
import { addressText } from '../geo/mmdb-ranges.ts'

/** Draws for one address; a table that holds so little of the address space is no sample's. */
const mostDraws = 20_000
const wordsAtOnce = 16_384

/**
 * IPv4 addresses drawn at random, each with the same chance, from all that the location data know: a
 * range counts by its addresses. The same ones for a seed and the same data.
 */
export function* sampleAddresses(locate: Locate, count: number, seed: number): Generator<string> {
  const words = randomWords(seed)
  for (let found = 0; found < count; found++) {
    for (let draws = 1; ; draws++) {
      const address = addressText(4, 0, words.next().value)
      if (locate(address) !== undefined) {
        yield address
        break
      }
      if (draws === mostDraws) {
        throw new CommandFailure('the location data know too few addresses to draw from', {
          hint: 'name your own: --addresses FILE',
        })
      }
    }
  }
}

/** Words of 32 bits without end: AES-128 in counter mode, its key made from the seed. */
function* randomWords(seed: number): Generator<number, never> {
  const key = hash('sha256', `landfall sample ${seed}`, 'buffer').subarray(0, 16)
  const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(wordsAtOnce * 4)
  for (;;) {
    const bytes = stream.update(zeros)
    for (let at = 0; at < bytes.length; at += 4) yield bytes.readUInt32LE(at)
  }
}

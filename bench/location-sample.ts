import { addressText } from '../app/cli/geo/mmdb-ranges.ts'
import { publicAddress } from '../regions/location.ts'
import { decodeLocationTable } from '../regions/location-table-format.ts'
import { seededRandom } from '../test/soak/random.ts'

export type Addresses = { readonly v4: readonly string[]; readonly v6: readonly string[] }

/**
 * Random addresses, the same ones for a seed: IPv4 from all public ones, IPv6 one from a random network
 * of the table, as random ones would hardly ever be anybody's.
 */
export function sampleAddresses(
  table: Uint8Array<ArrayBuffer>,
  count: number,
  seed: number,
): Addresses {
  const random = seededRandom(seed)
  const word = () => Math.floor(random() * 0x1_0000_0000)
  const { columns } = decodeLocationTable(table, 'the table')
  const { prefix6, start6, low6, place6 } = columns
  const v4: string[] = []
  while (v4.length < count) {
    const text = addressText(4, 0, word())
    if (publicAddress(text) !== undefined) v4.push(text)
  }
  const v6: string[] = []
  while (v6.length < count) {
    const row = Math.floor(random() * place6[0].length)
    if (place6[0][row] === 0) continue
    const [byte3, byte2, rest] = low6
    const low = ((byte3[row] ?? 0) * 256 + (byte2[row] ?? 0)) * 65_536 + (rest[row] ?? 0)
    const high = prefix6[groupOf(start6, row)] ?? 0
    const host = [word(), word()].flatMap((it) => [it >>> 16, it & 0xffff])
    const network = addressText(6, high, low).slice(0, -1)
    v6.push(`${network}${host.map((it) => it.toString(16)).join(':')}`)
  }
  return { v4, v6 }
}

/** The group that a row is in: the last one that begins at or before it. */
function groupOf(start6: Uint32Array, row: number): number {
  let from = 0
  let to = start6.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((start6[middle] ?? 0) <= row) from = middle + 1
    else to = middle
  }
  return from - 1
}

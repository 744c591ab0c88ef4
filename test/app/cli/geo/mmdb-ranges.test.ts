import { describe, expect, it } from 'vitest'
import { mmdbDate, readMmdb } from '../../../../app/cli/geo/mmdb-ranges.ts'
import { PlaceList } from '../../../../app/cli/geo/place-list.ts'
import { bitsOf, type TinyNetwork, type TinyRecord, tinyMmdb } from './tiny-mmdb.ts'

const dublin: TinyRecord = { country_code: 'IE', city: 'Dublin', latitude: 53.35, longitude: -6.26 }
const tokyo: TinyRecord = { country_code: 'JP', city: 'Tokyo', latitude: 35.68, longitude: 139.69 }
const kansas: TinyRecord = { country_code: 'US', city: '', latitude: 37.751, longitude: -97.822 }
const nowhere: TinyRecord = { country_code: 'RW', city: '', latitude: 0, longitude: 0 }

async function read(family: 4 | 6, bytes: Buffer) {
  const places = new PlaceList()
  const ranges = await readMmdb({ bytes, name: 'tiny.mmdb' }, family, places, async () => {})
  return Array.from({ length: ranges.count }, (_, row) => {
    const place = places.at(ranges.place(row))
    const ends = [ranges.start(row), ranges.end(row)].map((it) => it.toString(16))
    return [...ends, place?.country, place?.confidence]
  })
}

const networks4: readonly TinyNetwork[] = [
  [bitsOf('1.0.0.0', 25), tokyo],
  [bitsOf('1.0.0.128', 25), tokyo],
  [bitsOf('8.8.8.0', 24), kansas],
  [bitsOf('9.0.0.1', 32), nowhere],
  [bitsOf('134.226.0.0', 15), dublin],
  [bitsOf('255.255.255.255', 32), dublin],
]

describe('readMmdb', () => {
  it.each([24, 28, 32] as const)(
    'reads every network, with records of %i bits',
    async (recordSize) => {
      expect(await read(4, tinyMmdb(4, networks4, { recordSize }))).toEqual([
        ['1000000', '10000ff', 'JP', 'normal'],
        ['8080800', '80808ff', 'US', 'low'],
        ['86e20000', '86e3ffff', 'IE', 'normal'],
        ['ffffffff', 'ffffffff', 'IE', 'normal'],
      ])
    },
  )

  it('reads IPv6 in /64 keys, and goes by what most of a divided one leads to', async () => {
    const bytes = tinyMmdb(6, [
      [bitsOf('20010200000000000000000000000000', 32), tokyo],
      [bitsOf('2a001450000000010000000000000000', 96), dublin],
      [bitsOf('2a001450000000010000000100000000', 96), dublin],
      // The first address is the last one of the network before: a router's, not a device's.
      [bitsOf('2a001450000000040000000000000000', 127), dublin],
      [bitsOf('2a001450000000044000000000000000', 66), kansas],
      [bitsOf('2a001450000000048000000000000000', 65), tokyo],
      [bitsOf('2a001450800000000000000000000000', 33), kansas],
    ])
    expect(await read(6, bytes)).toEqual([
      ['2001020000000000', '20010200ffffffff', 'JP', 'normal'],
      ['2a00145000000004', '2a00145000000004', 'JP', 'normal'],
      ['2a00145080000000', '2a001450ffffffff', 'US', 'low'],
    ])
  })

  it('rests while it reads, and ends where resting does', async () => {
    const all = Array.from({ length: 256 }, (_, at) => at.toString(2).padStart(8, '0'))
    const networks = all.map((bits): TinyNetwork => [bits, bits.endsWith('1') ? tokyo : dublin])
    const file = { bytes: tinyMmdb(4, networks, { recordSize: 32 }), name: 'tiny.mmdb' }
    const parts: number[] = []
    const slowly = async (part: number) => void parts.push(part)
    await readMmdb(file, 4, new PlaceList(), slowly, 0)
    expect(parts.length).toBeGreaterThan(100)
    expect(parts).toEqual([...parts].sort((a, b) => a - b))
    expect(parts.at(-1)).toBeLessThanOrEqual(1)
    const interrupted = readMmdb(file, 4, new PlaceList(), () => Promise.reject('interrupted'), 0)
    await expect(interrupted).rejects.toBe('interrupted')
  })

  it('says of which day the data are', () => {
    const bytes = tinyMmdb(4, networks4, { builtAt: '2026-03-31' })
    expect(mmdbDate({ bytes, name: 'tiny.mmdb' })).toBe('2026-03-31')
  })

  it('refuses what is no city file of that family', async () => {
    const foreign = read(4, Buffer.from('no MMDB file at all'))
    await expect(foreign).rejects.toThrow('tiny.mmdb is no MMDB file')
    await expect(read(6, tinyMmdb(4, networks4))).rejects.toThrow('tiny.mmdb holds IPv4, not IPv6')
  })
})

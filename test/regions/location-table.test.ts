import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addressKey } from '../../regions/address-key.ts'
import { loadLocation } from '../../regions/load-location.ts'
import { publicAddress } from '../../regions/location.ts'
import { loadLocationTable, openLocationTable } from '../../regions/location-table.ts'
import { assertIntact } from '../../regions/location-table-checksum.ts'
import { kansas, type TinyRow, tinyRows, tinyTable, tokyo } from '../app/cli/geo/tiny-table.ts'

const bytes = tinyTable(tinyRows.v4, tinyRows.v6)
const { locate } = openLocationTable(bytes, 'tiny')

describe('a location table', () => {
  it('says place, country, continent, confidence, source and date', () => {
    expect(locate('134.226.1.1')).toEqual({
      lat: 53.35,
      lon: -6.26,
      country: 'IE',
      continent: 'EU',
      confidence: 'normal',
      source: 'dbip',
      date: '2026-06-05',
    })
    expect(locate('8.8.8.8')).toMatchObject({ country: 'US', continent: 'NA', confidence: 'low' })
    expect(locate('2001:200::1')).toMatchObject({ country: 'JP', confidence: 'high' })
  })

  it('knows the first and the last address of a range, and nothing beyond', () => {
    const found = (text: string) => locate(text)?.country
    expect(['0.255.255.255', '1.0.0.0', '1.0.0.255', '1.0.1.0'].map(found)).toEqual([
      undefined,
      'JP',
      'JP',
      undefined,
    ])
    // Within a range that no row of its own upper 16 bits begins.
    expect(found('134.227.255.255')).toBe('IE')
    expect(found('134.228.0.0')).toBe(undefined)
    expect(found('2a00:1450:0:8:ffff:ffff:ffff:ffff')).toBe('IE')
    expect(found('2a00:1450:0:9::')).toBe(undefined)
    expect(found('2a01::')).toBe(undefined)
    expect(found('2001:1ff:ffff:ffff::')).toBe(undefined)
  })

  it.each([
    ['1.0.0.1:443', 'JP'],
    [' 1.0.0.1 ', 'JP'],
    ['::ffff:1.0.0.1', 'JP'],
    ['::ffff:100:1', 'JP'],
    ['[2001:200::1]:443', 'JP'],
    ['2001:200::1%eth0', 'JP'],
    ['2001:0200:0000:0000:0000:0000:0000:0001', 'JP'],
  ])('reads %j as the address that it is', (text, country) => {
    expect(locate(text)?.country).toBe(country)
  })

  it('never throws, and says the same as a search through all rows', () => {
    const rows: readonly TinyRow[] = [...tinyRows.v4, ...tinyRows.v6]
    const bounds = rows.map(([first, last, place]) => {
      return { first: keyNumber(first), last: keyNumber(last), country: place.country }
    })
    const near = fc
      .constantFrom(...rows.flatMap((row) => row.slice(0, 2).map(String)))
      .map(withNoise)
    fc.assert(
      fc.property(fc.oneof(near, fc.ipV4(), fc.ipV6(), fc.string()), (text) => {
        const key = keyNumber(text)
        const row = bounds.find((it) => key !== undefined && within(key, it))
        const expected = publicAddress(text) === undefined ? undefined : row?.country
        expect(locate(text)?.country).toBe(expected)
      }),
      { numRuns: 5000 },
    )
  })

  it('never knows a place for an address that is not public, whatever its source said', () => {
    const everything = openLocationTable(
      tinyTable([['0.0.0.0', '255.255.255.255', kansas]], [['::', 'ffff:ffff:ffff:ffff::', tokyo]]),
      'everything',
    )
    const special = fc.constantFrom('2001:1ff::', '2001:db8::', '2002::', '3fff::', 'fe80::', '::1')
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), special, fc.string()), (text) => {
        // Nobody has an address below ::/64, which ipaddr.js counts as public in part.
        const low = /^[0:]*:/.test(text) && keyNumber(text)?.[1] === 0n
        const known = publicAddress(text) !== undefined && !low
        expect(everything.locate(text) !== undefined, text).toBe(known)
      }),
      { numRuns: 5000 },
    )
    for (const text of ['127.0.0.1', '10.1.2.3', '192.168.0.1', '100.64.0.1', '224.0.0.1', '::1']) {
      expect(everything.locate(text)).toBe(undefined)
    }
  })
})

describe('the file of a location table', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-table-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function loading(content: Uint8Array, name: string): Promise<string> {
    const file = join(folder, name)
    await writeFile(file, content)
    return await loadLocationTable(file, { verify: false }).then(
      () => 'loaded',
      (error: Error) => `${error.name} ${error.message}`,
    )
  }

  it('is read from the disk', async () => {
    expect(await loading(bytes, 'good')).toBe('loaded')
    const loaded = await loadLocation(join(folder, 'good'))
    expect(loaded).toMatchObject({ source: 'dbip', date: '2026-06-05' })
    expect(loaded.warning).toBe(undefined)
  })

  it.each([
    ['missing', 'is not there'],
    ['empty', 'is none', new Uint8Array()],
    ['foreign', 'is none', Uint8Array.from(Buffer.from('PK\u0003\u0004 and so on and on'))],
    ['of an earlier version', 'has format version 1, not 2', changed(8, 1)],
    ['of a later version', 'has format version 3, not 2', changed(8, 3)],
    ['with a header that is longer than the file', 'is cut off', changed(14, 255)],
    ['without its last bytes', 'is cut off', bytes.slice(0, -8)],
    [
      'with more bytes',
      'is longer than it says',
      Uint8Array.from([...bytes, 0, 0, 0, 0, 0, 0, 0, 0]),
    ],
  ])('is refused where it is %s, with the remedy', async (name, problem, content?: Uint8Array) => {
    const said =
      content === undefined
        ? await loadLocationTable(join(folder, name), { verify: false }).catch((error: Error) =>
            String(error),
          )
        : await loading(content, name)
    expect(said).toContain('LocationTableError')
    expect(said).toContain(`${problem}; make it anew: npm run geo:build`)
  })

  it('is refused or read, whatever length it was cut to', async () => {
    for (let length = 0; length < bytes.length; length += 4_099) {
      expect(() => openLocationTable(bytes.slice(0, length), 'cut')).toThrow(/geo:build/)
    }
  })

  it('is refused where one byte of it is another, unless its package was checked', async () => {
    const file = join(folder, 'damaged')
    for (let at = 24; at < bytes.length; at += 997) {
      const damaged = changed(at, (bytes[at] ?? 0) ^ 4)
      expect(() => assertIntact(damaged, file), `${at}`).toThrow(/is damaged; make it anew/)
    }
    await writeFile(file, changed(bytes.length - 1, 1))
    await expect(loadLocation(file)).rejects.toThrow(/is damaged; make it anew: npm run geo:build/)
    expect((await loadLocation(file, { verify: false })).source).toBe('dbip')
  })

  it('can be missing: geoip-lite serves then, and says so', async () => {
    const { source, warning } = await loadLocation(undefined)
    expect(source).toBe('geoip-lite')
    expect(warning).toContain("geoip-lite's data of 2019-08-28")
  })
})

function changed(at: number, value: number): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice()
  copy[at] = value
  return copy
}

type KeyNumber = readonly [family: number, key: bigint]

function keyNumber(text: string): KeyNumber | undefined {
  const key = addressKey(text)
  return key && [key.family, (BigInt(key.high) << 32n) + BigInt(key.low)]
}

function within(
  [family, key]: KeyNumber,
  row: { first: KeyNumber | undefined; last: KeyNumber | undefined },
): boolean {
  const { first, last } = row
  if (first === undefined || last === undefined || first[0] !== family) return false
  return key >= first[1] && key <= last[1]
}

/** Some way of writing the address, or nearly so. */
function withNoise(address: string): string {
  return address.includes(':') ? `${address}1` : `::ffff:${address}`
}

import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadGeoipLite, usable } from '../../regions/geoip-lite-location.ts'
import { type Locate, parseAddress, publicAddress } from '../../regions/location.ts'

describe('publicAddress', () => {
  it.each([
    ['8.8.8.8', '8.8.8.8'],
    [' 8.8.8.8 ', '8.8.8.8'],
    ['8.8.8.8:443', '8.8.8.8'],
    ['::ffff:8.8.8.8', '8.8.8.8'],
    ['::ffff:808:808', '8.8.8.8'],
    ['[2001:4860:4860::8888]:443', '2001:4860:4860::8888'],
    ['2001:4860:4860::8888%eth0', '2001:4860:4860::8888'],
    ['2001:4860:4860:0:0:0:0:8888', '2001:4860:4860::8888'],
  ])('reads %s as %s', (text, address) => {
    expect(publicAddress(text)).toBe(address)
  })

  it.each([
    '127.0.0.1',
    '10.0.0.1',
    '192.168.1.1',
    '172.16.0.1',
    '169.254.1.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    '::ffff:10.0.0.1',
    '::8.8.8.8',
    '',
    'localhost',
    '8.8.8',
    '010.8.8.8',
    '0x8.8.8.8',
    '134744072',
    '8.8.8.8, 1.1.1.1',
    '[8.8.8.8',
    'undefined',
  ])('knows no position for %j', (text) => {
    expect(publicAddress(text)).toBe(undefined)
  })

  it('never throws and only gives canonical addresses', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV4Extended(), fc.ipV6()), (text) => {
        const address = publicAddress(text)
        if (address !== undefined) expect(parseAddress(address)?.toString()).toBe(address)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('usable', () => {
  it.each([
    ['zero coordinates', { country: 'RW', ll: [0, 0], area: 5 }],
    ['no city file', { country: 'DE', ll: [null, null], area: 5 }],
    ['no coordinates', { country: 'DE' }],
    ['no country', { country: '', ll: [50, 8], area: 5 }],
    ['coordinates off the globe', { country: 'DE', ll: [91, 8], area: 5 }],
  ])('takes %s for unknown', (_, found) => {
    expect(usable(found, '2026-01-31')).toBe(undefined)
  })

  it('gives a wide radius a low confidence', () => {
    expect(
      usable({ country: 'US', ll: [37.751, -97.822], area: 1000 }, '2026-01-31')?.confidence,
    ).toBe('low')
    expect(usable({ country: 'IE', ll: [53.3, -6.2], area: 20 }, '2026-01-31')?.confidence).toBe(
      'normal',
    )
  })
})

describe('geoip-lite', () => {
  let locate: Locate
  beforeAll(async () => {
    locate = (await loadGeoipLite()).locate
  })

  it('locates a public address, mapped or not, at the same place', () => {
    const plain = locate('134.226.1.1')
    expect(plain).toMatchObject({
      country: 'IE',
      continent: 'EU',
      source: 'geoip-lite',
      date: '2019-08-28',
    })
    expect(locate('::ffff:86e2:101')).toEqual(plain)
  })

  it('knows nothing of private addresses and garbage', () => {
    for (const text of ['127.0.0.1', '10.1.2.3', '::1', 'garbage', '']) {
      expect(locate(text)).toBe(undefined)
    }
  })

  it('never throws, and never places anybody off the globe', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), (text) => {
        const found = locate(text)
        if (found === undefined) return
        expect(Math.abs(found.lat)).toBeLessThanOrEqual(90)
        expect(Math.abs(found.lon)).toBeLessThanOrEqual(180)
      }),
      { numRuns: 2000 },
    )
  })
})

import 'reflect-metadata'
import { generateKeyPairSync, X509Certificate as SignedCertificate } from 'node:crypto'
import { KeyUsageFlags } from '@peculiar/x509'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { findCertifiedDevices } from '../../../app/request/factory-chain.ts'
import {
  type Certified,
  certifyDevice,
  der,
  type KeyKind,
  makeAuthority,
  makeKeys,
  nameConstraints,
  signedAgain,
  strangeExtension,
  trustedCa,
} from '../../factory.ts'

let root: Certified
let line: Certified
let station: Certified

beforeAll(async () => {
  root = await makeAuthority('Root')
  line = await makeAuthority('Line', { by: root })
  station = await makeAuthority('Station', { by: line })
})

async function productsOf(
  chain: readonly (Certified | Buffer)[],
  { thingName = 'lamp-1', anchors = [root], now = Date.now() } = {},
): Promise<string[]> {
  const cas = anchors.map((anchor, index) => trustedCa(`product-${index}`, anchor))
  const ders = chain.map((it) => (Buffer.isBuffer(it) ? it : der(it)))
  const devices = await findCertifiedDevices(ders, thingName, cas, now)
  return devices.map((it) => it.product)
}

const taken = ['product-0']

describe('a chain that certifies a device', () => {
  it('has no, one or two intermediates, and ends with its anchor or before it', async () => {
    const direct = await certifyDevice(root, 'lamp-1')
    const byLine = await certifyDevice(line, 'lamp-1')
    const byStation = await certifyDevice(station, 'lamp-1')
    for (const chain of [[direct], [byLine, line], [byStation, station, line]]) {
      expect(await productsOf(chain)).toEqual(taken)
      expect(await productsOf([...chain, root])).toEqual(taken)
    }
  })

  it.each<KeyKind>(['P-384', 'Ed25519', 'RSA-2048'])('may be of %s keys', async (kind) => {
    const authority = await makeAuthority('Line', { by: root, kind })
    const leaf = await certifyDevice(authority, 'lamp-1', { kind })
    expect(await productsOf([leaf, authority])).toEqual(taken)
  })

  it('names the thing by its CN or by a SAN URI, whatever stands beside it', async () => {
    const uris = ['https://factory.example/lamp-1', 'urn:landfall:thing:lamp-1']
    const byUri = await certifyDevice(root, 'O=Factory, CN=serial 7', { uris })
    expect(await productsOf([byUri])).toEqual(taken)
    expect(await productsOf([byUri], { thingName: 'serial 7' })).toEqual(taken)
    expect(await productsOf([byUri], { thingName: 'lamp-2' })).toEqual([])
    const byName = await certifyDevice(root, 'O=Factory, CN=lamp-1')
    expect(await productsOf([byName])).toEqual(taken)
  })

  it('may have no key usage at all, and is of each product that trusts its authority', async () => {
    const leaf = await certifyDevice(root, 'lamp-1', { usages: 'none' })
    const anchors = [line, root, root]
    expect(await productsOf([leaf], { anchors })).toEqual(['product-1', 'product-2'])
  })

  it('may lead through authorities that path length and name constraints leave room for', async () => {
    const narrow = await makeAuthority('Narrow', {
      by: root,
      pathLength: 1,
      extensions: [nameConstraints('permitted', 'lamps.example')],
    })
    const last = await makeAuthority('Last', { by: narrow, pathLength: 0 })
    const dnsNames = ['one.lamps.example']
    const leaf = await certifyDevice(last, 'lamp-1', { dnsNames })
    expect(await productsOf([leaf, last, narrow])).toEqual(taken)
  })
})

describe('a chain that certifies nobody', () => {
  it('is cut, reordered, doubled, or goes on behind its anchor', async () => {
    const leaf = await certifyDevice(station, 'lamp-1')
    const whole = [leaf, station, line, root]
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...whole), { minLength: 1, maxLength: 5 }),
        async (chain) => {
          const right = [whole, whole.slice(0, 3)].some(
            (it) => it.length === chain.length && it.every((one, index) => one === chain[index]),
          )
          expect(await productsOf(chain)).toEqual(right ? taken : [])
        },
      ),
      { numRuns: 200 },
    )
  })

  it('has one byte that isn’t what was signed, or something behind it', async () => {
    const chain = [await certifyDevice(line, 'lamp-1'), line].map(der)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (which, at, by) => {
          const changed = chain.map((it) => Buffer.from(it))
          const certificate = changed[which] ?? Buffer.alloc(1)
          const index = at % certificate.length
          certificate[index] = (certificate[index] ?? 0) ^ by
          expect(await productsOf(changed)).toEqual([])
        },
      ),
      { numRuns: 300 },
    )
    for (const which of [0, 1]) {
      const longer = chain.map((it, index) =>
        index === which ? Buffer.concat([it, Buffer.alloc(1)]) : it,
      )
      expect(await productsOf(longer)).toEqual([])
    }
  })

  it('is expired or not valid yet, at whatever place', async () => {
    const leaf = await certifyDevice(root, 'lamp-1', { until: 10 })
    const dayMs = 86_400_000
    expect(await productsOf([leaf], { now: Date.now() + 9 * dayMs })).toEqual(taken)
    expect(await productsOf([leaf], { now: Date.now() + 11 * dayMs })).toEqual([])
    expect(await productsOf([leaf], { now: Date.now() - 2 * dayMs })).toEqual([])
    for (const dates of [{ until: -0.5 }, { from: 1 }]) {
      const authority = await makeAuthority('Line', { by: root, ...dates })
      expect(await productsOf([await certifyDevice(authority, 'lamp-1'), authority])).toEqual([])
      const anchor = await makeAuthority('Old', dates)
      expect(
        await productsOf([await certifyDevice(anchor, 'lamp-1')], { anchors: [anchor] }),
      ).toEqual([])
    }
  })

  it('leads through what is no authority, or may not certify', async () => {
    const { digitalSignature, cRLSign } = KeyUsageFlags
    for (const options of [
      { ca: false },
      { ca: 'none' as const },
      { ca: 'none' as const, usages: 'none' as const },
      { usages: digitalSignature | cRLSign },
    ]) {
      const authority = await makeAuthority('Line', { by: root, ...options })
      expect(await productsOf([await certifyDevice(authority, 'lamp-1'), authority])).toEqual([])
    }
  })

  it('is longer than an authority above it allows, the anchor too', async () => {
    const short = await makeAuthority('Short', { by: root, pathLength: 0 })
    const under = await makeAuthority('Under', { by: short })
    const leaf = await certifyDevice(under, 'lamp-1')
    expect(await productsOf([leaf, under, short])).toEqual([])
    expect(await productsOf([await certifyDevice(short, 'lamp-1'), short])).toEqual(taken)
    const anchor = await makeAuthority('Anchor', { pathLength: 0 })
    const below = await makeAuthority('Below', { by: anchor })
    const chain = [await certifyDevice(below, 'lamp-1'), below]
    expect(await productsOf(chain, { anchors: [anchor] })).toEqual([])
  })

  it('is outside of what an authority above it may name; one below it can’t widen that', async () => {
    const narrow = (by: Certified, name: string, dns: string) =>
      makeAuthority(name, { by, extensions: [nameConstraints('permitted', dns)] })
    const lamps = await narrow(root, 'Lamps', 'lamps.example')
    const dnsNames = ['one.locks.example']
    const outside = await certifyDevice(lamps, 'lamp-1', { dnsNames })
    expect(await productsOf([outside, lamps])).toEqual([])
    const locks = await narrow(lamps, 'Locks', 'locks.example')
    const widened = await certifyDevice(locks, 'lamp-1', { dnsNames })
    expect(await productsOf([widened, locks, lamps])).toEqual([])
    const named = await certifyDevice(root, 'O=Lamps')
    const byName = await makeAuthority('By name', {
      by: root,
      extensions: [nameConstraints('permitted', named)],
    })
    const inside = await certifyDevice(byName, 'O=Lamps, CN=lamp-1')
    expect(await productsOf([inside, byName])).toEqual(taken)
    const beside = await certifyDevice(byName, 'O=Locks, CN=lamp-1')
    expect(await productsOf([beside, byName])).toEqual([])
    const anchor = await makeAuthority('Anchor', {
      extensions: [nameConstraints('excluded', 'locks.example')],
    })
    const excluded = await certifyDevice(anchor, 'lamp-1', { dnsNames })
    expect(await productsOf([excluded], { anchors: [anchor] })).toEqual([])
  })

  it('has a critical extension that nobody knows, at whatever place, or one twice', async () => {
    const strange = { extensions: [strangeExtension()] }
    expect(await productsOf([await certifyDevice(root, 'lamp-1', strange)])).toEqual([])
    const authority = await makeAuthority('Line', { by: root, ...strange })
    expect(await productsOf([await certifyDevice(authority, 'lamp-1'), authority])).toEqual([])
    const twice = {
      extensions: [nameConstraints('excluded', 'a'), nameConstraints('excluded', 'b')],
    }
    const double = await makeAuthority('Line', { by: root, ...twice })
    expect(await productsOf([await certifyDevice(double, 'lamp-1'), double])).toEqual([])
  })

  it('is signed with SHA-1, or with a key that is too short', async () => {
    for (const kind of ['RSA-SHA-1', 'RSA-1024'] as const) {
      const authority = await makeAuthority('Line', { by: root, kind })
      expect(await productsOf([await certifyDevice(authority, 'lamp-1'), authority])).toEqual([])
    }
  })

  it('is of authorities that certify one another in a circle', async () => {
    const [keysA, keysB] = [await makeKeys(), await makeKeys()]
    const selfA = await makeAuthority('A', { keys: keysA })
    const selfB = await makeAuthority('B', { keys: keysB })
    const a = await makeAuthority('A', { keys: keysA, by: selfB })
    const b = await makeAuthority('B', { keys: keysB, by: selfA })
    const bait = await makeAuthority('Bait', { issuerName: root.certificate.subject })
    const leaf = await certifyDevice(a, 'lamp-1')
    expect(await productsOf([leaf, a, b, bait])).toEqual([])
    // A path through the circle that the anchor vouches for is one, and has an end.
    const joined = await makeAuthority('A', { keys: keysA, by: root })
    expect(await productsOf([leaf, a, b, joined])).toEqual(taken)
    expect(await productsOf([leaf, a, b, a, joined])).toEqual([])
  })

  it('names another thing, or two by its CN; or its leaf is an authority or not for signing', async () => {
    const { keyAgreement, keyCertSign, digitalSignature } = KeyUsageFlags
    const leaves = [
      await certifyDevice(root, 'lamp-2'),
      await certifyDevice(root, [{ CN: ['lamp-1'] }, { CN: ['lamp-2'] }]),
      await certifyDevice(root, [{ CN: ['lamp-1', 'lamp-2'] }]),
      await certifyDevice(root, [{ O: ['lamp-1'] }]),
      await certifyDevice(root, 'lamp-2', { uris: ['urn:landfall:thing:lamp-1/x', 'lamp-1'] }),
      await certifyDevice(root, 'lamp-2', { dnsNames: ['x, URI:urn:landfall:thing:lamp-1, y'] }),
      await certifyDevice(root, 'lamp-1', { ca: true }),
      await certifyDevice(root, 'lamp-1', { usages: keyAgreement }),
      await certifyDevice(root, 'lamp-1', { usages: digitalSignature | keyCertSign, ca: true }),
    ]
    for (const leaf of leaves) expect(await productsOf([leaf])).toEqual([])
  })

  it('is empty, the anchor alone, or self-signed under the anchor’s name', async () => {
    expect(await productsOf([])).toEqual([])
    expect(await productsOf([root], { thingName: 'Root' })).toEqual([])
    const twin = await makeAuthority('Root')
    expect(await productsOf([await certifyDevice(twin, 'lamp-1'), twin])).toEqual([])
    expect(await productsOf([await certifyDevice(twin, 'lamp-1')])).toEqual([])
    const self = await certifyDevice(undefined, 'lamp-1')
    expect(await productsOf([self])).toEqual([])
  })

  it('counts while its authority is trusted', async () => {
    const leaf = der(await certifyDevice(root, 'lamp-1'))
    const trusted = (validity: { notBefore?: string; notAfter?: string }) =>
      findCertifiedDevices([leaf], 'lamp-1', [{ ...trustedCa('p', root), ...validity }], Date.now())
    expect(await trusted({ notBefore: '2020-01-01T00:00:00Z' })).toHaveLength(1)
    expect(await trusted({ notAfter: '2020-01-01T00:00:00Z' })).toEqual([])
    expect(await trusted({ notBefore: '2999-01-01T00:00:00Z' })).toEqual([])
  })
})

describe('a chain with an RSA authority', () => {
  it.each([
    ['SHA-256', 'sha256', '1.2.840.113549.1.1.11', taken],
    ['MD5', 'md5', '1.2.840.113549.1.1.4', []],
    ['MD5 by its older identifier', 'md5', '1.3.14.3.2.3', []],
    ['SHA-1 by its older identifier', 'sha1', '1.3.14.3.2.29', []],
    ['RIPEMD-160', 'ripemd160', '1.3.36.3.3.1.2', []],
  ])('signed with %s', async (_, hash, oid, products) => {
    const authority = await makeAuthority('Line', { by: root, kind: 'RSA-2048' })
    const leaf = signedAgain(await certifyDevice(authority, 'lamp-1'), authority, { hash, oid })
    const { publicKey } = new SignedCertificate(authority.certificate.toString('pem'))
    const signed = new SignedCertificate(leaf.certificate.toString('pem'))
    // What is refused below OpenSSL would take.
    expect(signed.verify(publicKey)).toBe(true)
    expect(await productsOf([leaf, authority])).toEqual(products)
  })

  it.each([
    ['brainpool EC', generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' })],
    ['P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' })],
    ['RSA-PSS', generateKeyPairSync('rsa-pss', { modulusLength: 2048 })],
    ['Ed448', generateKeyPairSync('ed448')],
    ['X25519', generateKeyPairSync('x25519')],
  ])('certifies nothing for a key that signs no request: %s', async (_, { publicKey }) => {
    const authority = await makeAuthority('Line', { by: root, kind: 'RSA-2048' })
    const spki = publicKey.export({ format: 'der', type: 'spki' })
    const leaf = signedAgain(await certifyDevice(authority, 'lamp-1'), authority, { spki })
    expect(await productsOf([leaf, authority])).toEqual([])
  })
})

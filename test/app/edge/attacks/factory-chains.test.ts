// The attacks by way of x5c, on one target whose products trust these authorities.

import 'reflect-metadata'
import { sign } from 'node:crypto'
import { KeyUsageFlags } from '@peculiar/x509'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../../device-key.ts'
import {
  type CertificateOptions,
  type Certified,
  certifyDevice,
  der,
  factoryCa,
  makeAuthority,
  makeKeys,
  nameConstraints,
  strangeExtension,
  x5c,
} from '../../../factory.ts'
import { csrMember, type Jws, postLandfall } from '../../../landfall-request.ts'
import {
  claimsOf,
  es256,
  expectRefused,
  forgeJws,
  invalidRequest,
  makeVictim,
  notAuthorized,
  provisionVictim,
  setTarget,
  type Target,
} from './attack.ts'

let target: Target
let csr: string
let root: Certified
let line: Certified
let locksRoot: Certified
const expiredTrust = { notAfter: '2026-01-01T00:00:00Z' }

beforeAll(async () => {
  root = await makeAuthority('Factory')
  line = await makeAuthority('Line', { by: root })
  locksRoot = await makeAuthority('Locks')
  const old = await makeAuthority('Old')
  oldRoot = old
  target = await setTarget(
    { factoryCas: [factoryCa('factory', root), { ...factoryCa('old', old), ...expiredTrust }] },
    [{ name: 'locks', signers: [], factoryCas: [factoryCa('locks', locksRoot)] }],
  )
  await target.stage.allow('lamp')
  csr = csrMember((await makeDeviceKey('lamp')).csr)
})
let oldRoot: Certified
afterAll(() => target?.stage.close())

/** A request for the thing, signed by a leaf's key, with this chain. */
function signed(
  leaf: Certified,
  chain: readonly string[],
  header: Record<string, unknown> = {},
): Jws {
  const es = es256({ key: leaf.signingKey })
  return forgeJws({ alg: 'ES256', x5c: chain, ...header }, claimsOf({ sub: 'lamp', csr }), es)
}

const send = (...chain: readonly Certified[]): Jws => {
  const [leaf] = chain
  if (leaf === undefined) throw new Error('no leaf')
  return signed(leaf, x5c(...chain))
}
const under = async (options: CertificateOptions, leaf: CertificateOptions = {}) => {
  const authority = await makeAuthority('Under', { by: root, ...options })
  return send(await certifyDevice(authority, 'lamp', leaf), authority)
}

describe('a factory chain', () => {
  it.each<[string, () => Promise<Jws>]>([
    ['cut before its intermediate', async () => send(await certifyDevice(line, 'lamp'))],
    [
      'reordered',
      async () =>
        signed(await certifyDevice(line, 'lamp'), x5c(line, await certifyDevice(line, 'lamp'))),
    ],
    [
      'with its intermediate behind its root',
      async () => send(await certifyDevice(line, 'lamp'), root, line),
    ],
    [
      'with its intermediate twice',
      async () => send(await certifyDevice(line, 'lamp'), line, line),
    ],
    ['with its root twice', async () => send(await certifyDevice(line, 'lamp'), line, root, root)],
    [
      'with somebody else’s certificate in it',
      async () => send(await certifyDevice(line, 'lamp'), locksRoot, line),
    ],
    [
      'with somebody else’s certificate behind it',
      async () => send(await certifyDevice(line, 'lamp'), line, locksRoot),
    ],
    ['of a self-signed leaf', async () => send(await certifyDevice(undefined, 'lamp'))],
    [
      'of a self-signed leaf and the root',
      async () => send(await certifyDevice(undefined, 'lamp'), root),
    ],
    [
      'of a leaf that only names the root',
      async () => send(await certifyDevice(undefined, 'lamp', { issuerName: 'CN=Factory' })),
    ],
    [
      'of a leaf that only names the root, and the root',
      async () => send(await certifyDevice(undefined, 'lamp', { issuerName: 'CN=Factory' }), root),
    ],
    [
      'of a root of the same name',
      async () => {
        const twin = await makeAuthority('Factory')
        return send(await certifyDevice(twin, 'lamp'), twin)
      },
    ],
    ['of the root alone', async () => send(root)],
    ['of another product’s authority', async () => send(await certifyDevice(locksRoot, 'lamp'))],
    [
      'of an authority that is no longer trusted',
      async () => send(await certifyDevice(oldRoot, 'lamp')),
    ],
    [
      'with an expired leaf',
      async () => send(await certifyDevice(root, 'lamp', { from: -9, until: -1 })),
    ],
    [
      'with a leaf that is not valid yet',
      async () => send(await certifyDevice(root, 'lamp', { from: 1 })),
    ],
    ['with an expired intermediate', () => under({ from: -9, until: -1 })],
    ['with an intermediate that is not valid yet', () => under({ from: 1 })],
    ['with an intermediate that is no authority', () => under({ ca: false })],
    ['with an intermediate without basic constraints', () => under({ ca: 'none' })],
    [
      'with an intermediate that may not certify',
      () => under({ usages: KeyUsageFlags.digitalSignature }),
    ],
    [
      'with a leaf that certifies a leaf',
      async () => {
        const leaf = await certifyDevice(root, 'lamp')
        return send(await certifyDevice(leaf, 'lamp'), leaf)
      },
    ],
    [
      'longer than its path length',
      async () => {
        const short = await makeAuthority('Short', { by: root, pathLength: 0 })
        const more = await makeAuthority('More', { by: short })
        return send(await certifyDevice(more, 'lamp'), more, short)
      },
    ],
    [
      'outside of its permitted names',
      () =>
        under(
          { extensions: [nameConstraints('permitted', 'lamps.example')] },
          { dnsNames: ['one.locks.example'] },
        ),
    ],
    [
      'in its excluded names',
      () =>
        under(
          { extensions: [nameConstraints('excluded', 'locks.example')] },
          { dnsNames: ['one.locks.example'] },
        ),
    ],
    ['with an unknown critical extension', () => under({ extensions: [strangeExtension()] })],
    [
      'with an unknown critical extension in its leaf',
      () => under({}, { extensions: [strangeExtension()] }),
    ],
    ['signed with SHA-1', () => under({ kind: 'RSA-SHA-1' })],
    ['signed with RSA of 1024 bits', () => under({ kind: 'RSA-1024' })],
    ['with a leaf that is an authority', () => under({}, { ca: true })],
    ['with a leaf that may not sign', () => under({}, { usages: KeyUsageFlags.keyAgreement })],
    ['for another thing', async () => send(await certifyDevice(root, 'other'))],
    [
      'for another thing by its SAN',
      async () => send(await certifyDevice(root, 'O=x', { uris: ['urn:landfall:thing:other'] })),
    ],
    [
      'for this thing in a SAN of another kind',
      async () =>
        send(
          await certifyDevice(root, 'other', {
            dnsNames: ['lamp', 'x, URI:urn:landfall:thing:lamp, y'],
          }),
        ),
    ],
    [
      'for this thing and another by its CN',
      async () => send(await certifyDevice(root, [{ CN: ['lamp'] }, { CN: ['other'] }])),
    ],
    ['for a thing that begins alike', async () => send(await certifyDevice(root, 'lamp\0'))],
    [
      'of authorities that certify one another',
      async () => {
        const [keysA, keysB] = [await makeKeys(), await makeKeys()]
        const a = await makeAuthority('A', {
          keys: keysA,
          by: await makeAuthority('B', { keys: keysB }),
        })
        const b = await makeAuthority('B', {
          keys: keysB,
          by: await makeAuthority('A', { keys: keysA }),
        })
        const bait = await makeAuthority('Bait', { issuerName: 'CN=Factory' })
        return send(await certifyDevice(a, 'lamp'), a, b, bait)
      },
    ],
    [
      'whose last byte was changed',
      async () => {
        const leaf = await certifyDevice(root, 'lamp')
        const bytes = der(leaf)
        bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
        return signed(leaf, [bytes.toString('base64')])
      },
    ],
    [
      'with a byte behind its leaf',
      async () => {
        const leaf = await certifyDevice(root, 'lamp')
        return signed(leaf, [Buffer.concat([der(leaf), Buffer.alloc(1)]).toString('base64')])
      },
    ],
    [
      'of bytes that are no certificate',
      async () => signed(await certifyDevice(root, 'lamp'), ['MAMCAQE=']),
    ],
    ['of nothing', async () => signed(await certifyDevice(root, 'lamp'), [''])],
    [
      'of a leaf whose key is of another algorithm',
      async () => {
        const leaf = await certifyDevice(root, 'lamp', { kind: 'RSA-2048' })
        return forgeJws(
          { alg: 'ES256', x5c: x5c(leaf) },
          claimsOf({ sub: 'lamp', csr }),
          Buffer.alloc(64),
        )
      },
    ],
    [
      'of a leaf with RSA of 1024 bits',
      async () => {
        const leaf = await certifyDevice(root, 'lamp', { kind: 'RSA-1024' })
        return forgeJws({ alg: 'RS256', x5c: x5c(leaf) }, claimsOf({ sub: 'lamp', csr }), (it) =>
          sign('sha256', it, leaf.signingKey),
        )
      },
    ],
    [
      'that is good, signed by another key',
      async () => {
        const { signingKey } = await certifyDevice(root, 'lamp')
        return signed({ ...line, signingKey }, x5c(await certifyDevice(root, 'lamp')))
      },
    ],
    [
      'that is good, with the key of its root',
      async () => signed(root, x5c(await certifyDevice(root, 'lamp'))),
    ],
  ])('%s', async (_, chain) => {
    await expectRefused(target, await chain(), notAuthorized)
  })

  it.each<[string, () => Promise<unknown>]>([
    ['of six', async () => x5c(await certifyDevice(root, 'lamp'), line, line, line, line, line)],
    ['of none', async () => []],
    ['of more than eight kilobytes in one', async () => ['A'.repeat(8196)]],
    ['in base64url', async () => [der(await certifyDevice(root, 'lamp')).toString('base64url')]],
    ['in PEM', async () => [(await certifyDevice(root, 'lamp')).certificate.toString('pem')]],
    [
      'with line breaks',
      async () => x5c(await certifyDevice(root, 'lamp')).map((it) => it.replace(/.{64}/g, '$&\n')),
    ],
    ['that is text', async () => x5c(await certifyDevice(root, 'lamp')).join(',')],
    ['of numbers', async () => [1]],
    ['of lists', async () => [x5c(await certifyDevice(root, 'lamp'))]],
    ['that is null', async () => null],
  ])('%s', async (_, chain) => {
    const leaf = await certifyDevice(root, 'lamp')
    const jws = signed(leaf, [], { x5c: await chain() })
    await expectRefused(target, jws, invalidRequest)
  })

  it('for a device that has a key of its own', async () => {
    const own = await makeVictim(target, 'own')
    const leaf = await certifyDevice(root, 'own')
    const jws = forgeJws(
      { alg: 'ES256', x5c: x5c(leaf) },
      claimsOf(own),
      es256({ key: leaf.signingKey }),
    )
    await expectRefused(target, jws, notAuthorized)
    // Whatever chain it sends beside, its own key signs.
    await provisionVictim(target, own)
  })

  it('that was taken from another device’s request', async () => {
    const taken = x5c(await certifyDevice(root, 'lamp'))
    await expectRefused(
      target,
      signed(await certifyDevice(undefined, 'lamp'), taken),
      notAuthorized,
    )
  })
})

describe('a good factory chain', () => {
  it.each<[string, (thing: string) => Promise<readonly Certified[]>]>([
    ['direct', async (thing) => [await certifyDevice(root, thing)]],
    ['direct, with its anchor', async (thing) => [await certifyDevice(root, thing), root]],
    ['of one intermediate', async (thing) => [await certifyDevice(line, thing), line]],
    [
      'of one intermediate, with its anchor',
      async (thing) => [await certifyDevice(line, thing), line, root],
    ],
    [
      'of two intermediates',
      async (thing) => {
        const station = await makeAuthority('Station', { by: line, pathLength: 0 })
        return [await certifyDevice(station, thing), station, line]
      },
    ],
    [
      'that names the thing by a SAN URI',
      async (thing) => [
        await certifyDevice(root, 'O=Factory, CN=serial 7', {
          uris: [`urn:landfall:thing:${thing}`],
        }),
      ],
    ],
  ])('%s', async (name, chainOf) => {
    const sub = `good-${name.replace(/\W+/g, '-')}`
    await target.stage.allow(sub)
    const chain = await chainOf(sub)
    const [leaf] = chain
    const mine = csrMember((await makeDeviceKey(sub)).csr)
    const signer = es256({ key: leaf?.signingKey ?? root.signingKey })
    const jws = forgeJws({ alg: 'ES256', x5c: x5c(...chain) }, claimsOf({ sub, csr: mine }), signer)
    const answer = await postLandfall(target.edge, jws)
    expect(answer).toMatchObject({ status: 200, body: { thingName: sub } })
    const { things } = await target.stage.identities()
    expect(things[sub]?.map((it) => it.certificateId)).toEqual([answer.body.certificateId])
  })
})

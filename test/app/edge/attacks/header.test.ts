import { sign } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compact, type Jws, makeSigningKey, postLandfall } from '../../../landfall-request.ts'
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
  type Victim,
  withoutTrace,
} from './attack.ts'

let target: Target
let own: Victim
const attacker = makeSigningKey()
const fleet = makeSigningKey()
const locks = makeSigningKey()
const rsaFleet = makeSigningKey('RSA')
const json = { contentType: 'application/jose+json' }

beforeAll(async () => {
  target = await setTarget(
    {
      reprovisioning: { redeliverSeconds: 0 },
      signers: [
        { kid: 'fleet', contracts: ['landfall'], jwk: fleet.jwk },
        {
          kid: 'old',
          contracts: ['landfall'],
          jwk: makeSigningKey().jwk,
          notAfter: '2026-01-01T00:00:00Z',
        },
        {
          kid: 'next',
          contracts: ['landfall'],
          jwk: attacker.jwk,
          notBefore: '2999-01-01T00:00:00Z',
        },
        { kid: 'seed-only', contracts: ['seed'], jwk: rsaFleet.jwk },
      ],
    },
    [{ name: 'locks', signers: [{ kid: 'locks', contracts: ['landfall'], jwk: locks.jwk }] }],
  )
  own = await makeVictim(target, 'own')
  await target.stage.allow('by-signer')
})
afterAll(() => target?.stage.close())

const bySigner = () => claimsOf({ sub: 'by-signer', csr: own.csr })
/** Signed by the device itself: all but the header is right. */
const signed = (header: unknown) => forgeJws(header, claimsOf(own), es256(own))

describe('a key that the request brings itself', () => {
  it.each<[string, () => Record<string, unknown>]>([
    ['jwk', () => ({ jwk: attacker.jwk })],
    ['jwk, as null', () => ({ jwk: null })],
    ['jku', () => ({ jku: 'https://attacker.example/jwks' })],
    ['jku of the router’s own', () => ({ jku: `${target.edge.url}/v1/jwks` })],
    ['x5u', () => ({ x5u: 'https://attacker.example/chain.pem' })],
  ])('in %s, signed with it', async (_, header) => {
    const forged = forgeJws({ alg: 'ES256', ...header() }, claimsOf(own), es256(attacker))
    await expectRefused(target, forged, invalidRequest)
  })

  it('in jwk is refused even where the right key signed', async () => {
    await expectRefused(target, signed({ alg: 'ES256', jwk: own.jwk }), invalidRequest)
  })
})

describe('an extension that changes what is signed', () => {
  it.each([
    ['crit with a known name', { crit: ['exp'], exp: 1 }],
    ['crit with no names', { crit: [] }],
    ['crit as text', { crit: 'b64' }],
    ['b64 false', { b64: false }],
    ['b64 false and crit', { b64: false, crit: ['b64'] }],
    ['b64 true', { b64: true }],
  ])('%s', async (_, header) => {
    await expectRefused(target, signed({ alg: 'ES256', ...header }), invalidRequest)
  })
})

describe('a kid', () => {
  it.each<[string, unknown, typeof notAuthorized]>([
    ['that is a path', '../../../../srv/keys/attacker', notAuthorized],
    ['that is a device file', '/dev/null', notAuthorized],
    ['that is SQL', `x' UNION SELECT '${JSON.stringify(attacker.jwk)}' --`, notAuthorized],
    ['that is a command', 'fleet|$(id)', notAuthorized],
    ['that is a URL', 'https://attacker.example/jwk', notAuthorized],
    ['of another product', 'locks', notAuthorized],
    ['of a product by its name', 'default', notAuthorized],
    ['of a signer that has ended', 'old', notAuthorized],
    ['of a signer that has not begun', 'next', notAuthorized],
    ['of a signer for the seed contract', 'seed-only', notAuthorized],
    ['in other letters', 'FLEET', notAuthorized],
    ['with a look-alike letter', 'fl\u0435et', notAuthorized],
    ['with something invisible behind it', 'fleet\u200b', notAuthorized],
    ['with a NUL behind it', 'fleet\u0000', notAuthorized],
    ['of an object’s prototype', '__proto__', notAuthorized],
    ['of every object', 'constructor', notAuthorized],
    ['of every function', 'toString', notAuthorized],
    ['of no letters', '', notAuthorized],
    ['of 256 letters', 'k'.repeat(256), notAuthorized],
    ['of 257 letters', 'k'.repeat(257), invalidRequest],
    ['that is a number', 0, invalidRequest],
    ['that is null', null, invalidRequest],
    ['that is a list', ['fleet'], invalidRequest],
    ['that is an object', { fleet: true }, invalidRequest],
  ])('%s', async (_, kid, problem) => {
    const forged = forgeJws({ alg: 'ES256', kid }, bySigner(), es256(attacker))
    await expectRefused(target, forged, problem)
  })

  it('of the right signer over another product’s signature', async () => {
    const forged = forgeJws({ alg: 'ES256', kid: 'fleet' }, bySigner(), es256(locks))
    await expectRefused(target, forged, notAuthorized)
  })

  it('of a signer that is for the seed contract, with its very key', async () => {
    const byFleet = (input: Buffer) => sign('sha256', input, rsaFleet.key)
    const forged = forgeJws({ alg: 'RS256', kid: 'seed-only' }, bySigner(), byFleet)
    await expectRefused(target, forged, notAuthorized)
  })

  it('of the product’s signer for a device that has its own key', async () => {
    const forged = forgeJws({ alg: 'ES256', kid: 'fleet' }, claimsOf(own), es256(fleet))
    await expectRefused(target, forged, notAuthorized)
  })
})

describe('a header that could be read in two ways', () => {
  it.each<[string, unknown]>([
    ['alg twice', '{"alg":"ES256","alg":"ES256"}'],
    ['alg twice, once escaped', '{"alg":"none","\\u0061lg":"ES256"}'],
    ['kid twice', '{"alg":"ES256","kid":"a","kid":"b"}'],
    ['alg in its prototype', '{"__proto__":{"alg":"ES256"}}'],
    ['alg in capitals', { ALG: 'ES256' }],
    ['a list', ['ES256']],
    ['a text', '"ES256"'],
    ['null', 'null'],
    ['nothing', ''],
    ['two objects', '{"alg":"ES256"}{"alg":"ES256"}'],
    ['a comment in it', '{"alg":"ES256"/**/}'],
    ['a comma too many', '{"alg":"ES256",}'],
    ['single quotes', "{'alg':'ES256'}"],
    ['a byte order mark', '\ufeff{"alg":"ES256"}'],
    ['UTF-16', Buffer.from('{"alg":"ES256"}', 'utf16le')],
    [
      'bytes that are no UTF-8',
      Buffer.from('7b22616c67223a224553323536222c226b6964223a22ff227d', 'hex'),
    ],
    [
      'an overlong letter',
      Buffer.from('7b22616c67223a224553323536222c226b6964223a22c1a1227d', 'hex'),
    ],
    ['a thousand levels', `{"alg":"ES256","x":${'['.repeat(1000)}${']'.repeat(1000)}}`],
  ])('%s', async (_, header) => {
    await expectRefused(target, signed(header), invalidRequest)
  })

  it.each<[string, (jws: Jws) => string]>([
    ['padded', (it) => `${it.protected}=.${it.payload}.${it.signature}`],
    ['in the alphabet of base64', (it) => `+/${it.protected}.${it.payload}.${it.signature}`],
    [
      'with a bit left over',
      (it) => `${it.protected.slice(0, -1)}${leftOver(it.protected)}.${it.payload}.${it.signature}`,
    ],
    [
      'with a line break',
      (it) => `${it.protected.slice(0, 4)}\n${it.protected.slice(4)}.${it.payload}.${it.signature}`,
    ],
    ['with a space', (it) => `${it.protected} .${it.payload}.${it.signature}`],
  ])('base64url %s', async (_, spell) => {
    // Five bytes to three: two bits of the last letter say nothing.
    const jws = signed('{"alg":"ES256" }')
    await expectRefused(target, spell(jws), invalidRequest)
  })
})

describe('a serialization', () => {
  const flat = (): Jws => signed({ alg: 'ES256' })
  it.each<[string, () => unknown]>([
    ['with an unprotected header', () => ({ ...flat(), header: { kid: 'fleet' } })],
    ['with an empty unprotected header', () => ({ ...flat(), header: {} })],
    [
      'with the algorithm in the unprotected header',
      () => ({ ...forgeJws({}, claimsOf(own), es256(own)), header: { alg: 'ES256' } }),
    ],
    [
      'with an unprotected header in its prototype',
      () => JSON.stringify(flat()).replace('{', '{"__proto__":{"header":{}},'),
    ],
    [
      'in general JSON, with a list of signatures',
      () => ({ payload: flat().payload, signatures: [flat()] }),
    ],
    ['both flattened and general', () => ({ ...flat(), signatures: [flat()] })],
    ['with the payload twice', () => JSON.stringify(flat()).replace('{', '{"payload":"e30",')],
    [
      'with the payload twice, once escaped',
      () => JSON.stringify(flat()).replace('{', '{"\\u0070ayload":"e30",'),
    ],
    ['with a list for its payload', () => ({ ...flat(), payload: [flat().payload] })],
    ['without a signature', () => ({ protected: flat().protected, payload: flat().payload })],
    ['in a list', () => [flat()]],
    ['compact, as JSON', () => compact(flat())],
    ['compact in a JSON string', () => JSON.stringify(compact(flat()))],
  ])('%s', async (_, body) => {
    const it = body()
    const text = typeof it === 'string' ? it : JSON.stringify(it)
    await expectRefused(target, text, invalidRequest, json)
  })

  it.each<[string, () => string]>([
    ['flattened, as compact', () => JSON.stringify(flat())],
    ['of two parts', () => `${flat().protected}.${flat().payload}`],
    ['of four parts', () => `${compact(flat())}.e30`],
    ['of five parts, a JWE', () => `${flat().protected}.${flat().payload}.${compact(flat())}`],
    ['with a detached payload', () => `${flat().protected}..${flat().signature}`],
    ['of dots', () => '..'],
    ['of nothing', () => ''],
    [
      'of a JWS in a JWS',
      () => compact(forgeJws({ alg: 'ES256', cty: 'JWT' }, compact(flat()), es256(own))),
    ],
  ])('%s', async (_, body) => {
    await expectRefused(target, body(), invalidRequest)
  })
})

describe('what a header says beside', () => {
  it('is ignored: a device that is provisioned gets its certificate, and nothing is made', async () => {
    const victim = await makeVictim(target, 'beside')
    const { body } = await provisionVictim(target, victim)
    const header = {
      alg: 'ES256',
      typ: 'JOSE',
      cty: 'json',
      kid: 'fleet',
      zip: 'DEF',
      constructor: 1,
    }
    const again = await withoutTrace(target, () =>
      postLandfall(target.edge, forgeJws(header, claimsOf(victim), es256(victim))),
    )
    expect(again).toMatchObject({ status: 200, body: { certificateId: body.certificateId } })
  })
})

/** The same bytes, spelled with a last letter whose bits that nobody reads are set. */
function leftOver(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet[alphabet.indexOf(text.slice(-1)) + 1] ?? ''
  const other = `${text.slice(0, -1)}${last}`
  if (!Buffer.from(other, 'base64url').equals(Buffer.from(text, 'base64url'))) {
    throw new Error('these are other bytes')
  }
  return last
}

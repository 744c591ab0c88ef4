import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/app-error.ts'
import {
  type LandfallRequest,
  parseLandfallRequest,
} from '../../../app/request/landfall-request.ts'
import { anyCharacter } from '../../any-text.ts'
import { audience } from '../../landfall-request.ts'

const header = { alg: 'ES256', kid: 'line-1' }
const payload = { sub: 'lamp:1', aud: audience, iat: 1_795_000_000, csr: 'MIIB' }
const jwk = { kty: 'OKP', crv: 'X25519', x: 'A'.repeat(43) }

const encode = (part: unknown) =>
  (Buffer.isBuffer(part)
    ? part
    : Buffer.from(typeof part === 'string' ? part : JSON.stringify(part))
  ).toString('base64url')
const compact = (head: unknown, body: unknown) => `${encode(head)}.${encode(body)}.AAAA`
const flattened = (head: unknown, body: unknown, more: object = {}) =>
  JSON.stringify({ protected: encode(head), payload: encode(body), signature: 'AAAA', ...more })

/** Why a body is refused; undefined where it isn't. Whatever else is thrown fails the test. */
function whyNot(body: string, isFlattened = false): string | undefined {
  try {
    parseLandfallRequest(body, isFlattened)
    return undefined
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'invalid-request') throw error
    return error.message
  }
}

describe('a request', () => {
  it('is read into what the router works with', () => {
    const x5c = [Buffer.from('leaf'), Buffer.from('issuer')]
    const head = { ...header, x5c: x5c.map((it) => it.toString('base64')) }
    const body = { ...payload, iat: 1_795_000_000.5, nonce: 'n' }
    expect(parseLandfallRequest(compact(head, body), false)).toEqual({
      jws: { protected: encode(head), payload: encode(body), signature: 'AAAA' },
      algorithm: 'ES256',
      kid: 'line-1',
      chain: x5c,
      thingName: 'lamp:1',
      audience,
      iat: 1_795_000_000_500,
      nonce: 'n',
      csr: Buffer.from('MIIB', 'base64url'),
      deliveryKey: undefined,
    } satisfies LandfallRequest)
  })

  it('is the same in both serializations, whatever members are ignored', () => {
    const name = fc.string({ unit: anyCharacter }).map((it) => `x-${it}`)
    const more = fc.dictionary(name, fc.string({ unit: anyCharacter }), { maxKeys: 3 })
    const space = fc.constantFrom('', ' ', '\r\n', '\n\t')
    fc.assert(
      fc.property(more, more, space, (inHeader, inPayload, around) => {
        const parts = [
          { ...header, ...inHeader },
          { ...payload, ...inPayload },
        ] as const
        const read = parseLandfallRequest(`${around}${compact(...parts)}${around}`, false)
        expect(parseLandfallRequest(`${around}${flattened(...parts)}${around}`, true)).toEqual(read)
        expect(read.thingName).toBe('lamp:1')
      }),
    )
  })

  it('is of one serialization only, as the media type says', () => {
    expect(whyNot(compact(header, payload), true)).toContain('no flattened JWS')
    expect(whyNot(flattened(header, payload))).toContain('no compact JWS')
  })

  it.each([
    ['two parts', 'e30.e30'],
    ['four parts', `${compact(header, payload)}.AAAA`],
    ['an empty part', `${encode(header)}..AAAA`],
    ['no signature', `${encode(header)}.${encode(payload)}.`],
    ['padding', `${encode(header)}.${encode(payload)}.AAA=`],
    ['standard base64', `${encode(header)}.${encode(payload)}.A+/A`],
    ['a line break within', `${encode(header)}.\n${encode(payload)}.AAAA`],
    ['nothing', ''],
  ])('is no compact JWS with %s', (_, body) => {
    expect(whyNot(body)).toMatch(/^the body is no compact JWS/)
  })

  it.each([
    ['an unprotected header', flattened(header, payload, { header: { kid: 'line-1' } })],
    ['an empty signature', flattened(header, payload, { signature: '' })],
    ['padding', flattened(header, payload, { signature: 'AAA=' })],
    ['a signature that is a list', flattened(header, payload, { signature: ['AAAA'] })],
    ['no payload', JSON.stringify({ protected: encode(header), signature: 'AAAA' })],
    ['a second payload', flattened(header, payload).replace('{', '{"payload":"e30",')],
    ['more than one signature', JSON.stringify({ payload: encode(payload), signatures: [] })],
  ])('is no flattened JWS with %s', (_, body) => {
    expect(whyNot(body, true)).toMatch(/^the body is no flattened JWS/)
  })
})

describe('each part', () => {
  const notExact = / is no JSON object with unique names, in UTF-8 and base64url$/

  it('is exact base64url: no bits left over that could be others', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (const pad of ['a', 'ab', 'abc']) {
      const right = encode({ ...header, pad })
      const wrong = right.slice(0, -1) + alphabet[alphabet.indexOf(right.at(-1) ?? '') ^ 1]
      const same = Buffer.from(right, 'base64url').equals(Buffer.from(wrong, 'base64url'))
      expect(same).toBe(right.length % 4 !== 0)
      expect(whyNot(`${right}.${encode(payload)}.AAAA`)).toBe(undefined)
      expect(whyNot(`${wrong}.${encode(payload)}.AAAA`)).toMatch(notExact)
    }
    expect(whyNot(`${encode(header)}A.${encode(payload)}.AAAA`)).toMatch(notExact)
  })

  const withName = (...bytes: number[]) => {
    const [before = '', after = ''] = JSON.stringify({ ...payload, note: '?' }).split('?')
    return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)])
  }
  it('is UTF-8', () => {
    expect(whyNot(compact(header, withName(0xc3, 0xa4)))).toBe(undefined)
    expect(whyNot(compact(header, withName(0xf0, 0x9f, 0x92, 0xa1)))).toBe(undefined)
    for (const bytes of [
      [0xff],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xc3],
      [0xf4, 0x90, 0x80, 0x80],
    ]) {
      expect(whyNot(compact(header, withName(...bytes)))).toMatch(notExact)
    }
    expect(whyNot(compact(header, `\ufeff${JSON.stringify(payload)}`))).toMatch(notExact)
    expect(whyNot(compact(header, Buffer.from(JSON.stringify(payload), 'utf16le')))).toMatch(
      notExact,
    )
  })

  it('is an object, with no name twice', () => {
    for (const bad of [
      '[]',
      'null',
      '"a"',
      '{',
      `{"sub":"lamp:2",${JSON.stringify(payload).slice(1)}`,
    ]) {
      expect(whyNot(compact(header, bad))).toMatch(/^the payload is no JSON object/)
      expect(whyNot(compact(bad, payload))).toMatch(/^the protected header is no JSON object/)
    }
  })
})

describe('a member', () => {
  it.each(['crit', 'b64', 'jwk', 'jku', 'x5u'])(
    '%s in the header is refused, of any value',
    (name) => {
      for (const value of [null, '', false, ['exp'], { kty: 'oct' }]) {
        const why = whyNot(compact({ ...header, [name]: value }, payload))
        expect(why).toBe(`the protected header must not have ${name}`)
      }
      expect(whyNot(compact(header, { ...payload, [name === 'jwk' ? 'JWK' : name]: 1 }))).toBe(
        undefined,
      )
    },
  )

  it.each([
    ['alg', [undefined, null, 'none', 'HS256', 'es256', 'ES512']],
    ['kid', [null, 7, 'k'.repeat(257)]],
    ['x5c', [null, 'MIIB', [], [7], ['MII'], ['MI-_'], ['A'.repeat(8196)], Array(6).fill('MIIB')]],
  ])('%s of the header is named where it is wrong', (name, values) => {
    for (const value of values) {
      const why = whyNot(compact({ ...header, [name]: value }, payload))
      expect(why).toMatch(new RegExp(`^the protected header: ${name}\\b`))
    }
  })

  it.each([
    ['sub', [undefined, null, 7, '', 'lamp 1', 'lamp/1', 'ä', 'lamp\n', 'l'.repeat(129)]],
    ['aud', [undefined, null, ['https://landfall.test'], 'a'.repeat(513)]],
    ['iat', [null, '1795000000', -1, 1e12]],
    ['nonce', [null, 7, 'n'.repeat(257)]],
    ['csr', [null, 7, '', 'MII=', 'MI+/', 'A'.repeat(5501)]],
  ])('%s of the payload is named where it is wrong', (name, values) => {
    for (const value of values) {
      const why = whyNot(compact(header, { ...payload, iat: 1, nonce: 'n', [name]: value }))
      expect(why).toMatch(new RegExp(`^the payload: ${name}\\b`))
    }
  })

  it('jwk of the payload is named where it is no public key', () => {
    const { csr: _csr, ...rest } = payload
    expect(whyNot(compact(header, { ...rest, jwk }))).toBe(undefined)
    for (const bad of [null, 'key', {}, { ...jwk, crv: 'Ed25519' }, { ...jwk, d: 'secret' }]) {
      const why = whyNot(compact(header, { ...rest, jwk: bad }))
      expect(why).toMatch(/^the payload: jwk\b/)
      expect(why).not.toContain('secret')
    }
  })

  it('that must be one of two is missed, and refused beside the other', () => {
    const { iat: _iat, csr: _csr, ...rest } = payload
    const why = (body: object) => whyNot(compact(header, { ...rest, ...body }))
    expect(why({ csr: 'MIIB' })).toBe('the payload: iat or nonce is missing')
    expect(why({ iat: 1 })).toBe('the payload: one of csr and jwk is needed, and not both')
    expect(why({ iat: 1, csr: 'MIIB', jwk })).toMatch(/one of csr and jwk/)
    expect(why({ iat: 1, nonce: 'n', csr: 'MIIB' })).toBe(undefined)
  })
})

describe('whatever is sent', () => {
  const text = fc.string({ unit: anyCharacter })
  const bytes = fc.uint8Array({ maxLength: 64 }).map((it) => Buffer.from(it))
  const names = ['alg', 'kid', 'x5c', 'sub', 'aud', 'iat', 'nonce', 'csr', 'jwk', '__proto__']
  const members = fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 3 }))
  const changed = (part: object) => members.map((it) => JSON.stringify({ ...part, ...it }))
  const head = fc.oneof(text, bytes, changed(header))
  const body = fc.oneof(text, bytes, changed(payload))

  it('is a request, or refused as a malformed one', () => {
    fc.assert(
      fc.property(text, fc.json(), head, body, fc.boolean(), (any, json, one, two, isFlattened) => {
        for (const sent of [any, json, compact(one, two), flattened(one, two)]) {
          const why = whyNot(sent, isFlattened)
          if (why === undefined) {
            expect(parseLandfallRequest(sent, isFlattened).thingName).toMatch(/^[\w:-]{1,128}$/)
          } else expect(why).toMatch(/^the (body|protected header|payload)\b/)
        }
      }),
      { numRuns: 300 },
    )
  })
})

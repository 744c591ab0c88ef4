import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postLandfall } from '../../../landfall-request.ts'
import { signedRequest } from '../../../stage.ts'
import {
  claimsOf,
  es256,
  expectRefused,
  forgeJws,
  invalidRequest,
  makeVictim,
  provisionVictim,
  setTarget,
  type Target,
  type Victim,
  withoutTrace,
} from './attack.ts'

let target: Target
let own: Victim
const flattened = { contentType: 'application/jose+json' }

beforeAll(async () => {
  target = await setTarget({})
  const { kty, n, e } = target.stage.signingKey.export({ format: 'jwk' })
  await target.stage.changeProduct({
    signers: [{ kid: 'seed', contracts: ['seed'], jwk: { kty, n, e } }],
    reprovisioning: { redeliverSeconds: 0 },
  })
  await target.edge.stop()
  target = { ...target, edge: await target.stage.startEdge() }
  own = await makeVictim(target, 'own')
  await target.stage.allow('seed-own')
})
afterAll(() => target?.stage.close())

const signed = (payload: unknown) => forgeJws({ alg: 'ES256' }, payload, es256(own))
/** The payload’s JSON, with something done to it. */
const spelled = (change: (json: string) => string) => signed(change(JSON.stringify(claimsOf(own))))
const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const bracketed = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
const braced = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

/** Names that are none, though some eyes or programs may take them for one. */
const noNames: readonly [string, string][] = [
  ['with a Cyrillic o', '\u043ewn'],
  ['with a Greek omicron', '\u03bfwn'],
  ['in full width', '\uff4f\uff57\uff4e'],
  ['in mathematical letters', '\u{1d5fc}\u{1d604}\u{1d5fb}'],
  ['with an accent that combines', 'ow\u0301n'],
  ['with a zero-width space', 'ow\u200bn'],
  ['with a soft hyphen', 'ow\u00adn'],
  ['written from the right', '\u202enwo'],
  ['with a byte order mark', '\ufeffown'],
  ['with half of a surrogate pair', 'own\ud800'],
  ['of another folder', '../own'],
  ['of a folder on Windows', '..\\own'],
  ['of a root', '/own'],
  ['percent-encoded', '%6fwn'],
  ['with a query', 'own?x=1'],
  ['with a fragment', 'own#x'],
  ['with a NUL', 'own\u0000'],
  ['with a line break, to forge a line of the log', 'own\n{"outcome":"provisioned"}'],
  ['with a carriage return', 'own\r'],
  ['with a tab', 'own\t'],
  ['with an escape sequence', '\u001b[2Jown'],
  ['with a space before', ' own'],
  ['with a space behind', 'own '],
  ['with a dot', 'own.'],
  ['of a wildcard', '*'],
  ['of a topic wildcard', 'own/#'],
  ['of a policy variable', '\u0024{iot:Connection.Thing.ThingName}'],
  ['of SQL', "own' OR '1'='1"],
  ['of a shell', 'own;id'],
  ['of a mark-up', '<script>own</script>'],
  ['of no letters', ''],
  ['of 129 letters', 'o'.repeat(129)],
]

describe('a payload that could be read in two ways', () => {
  it.each<[string, () => ReturnType<typeof signed>]>([
    ['sub twice', () => spelled((it) => it.replace('{', '{"sub":"other",'))],
    ['sub twice, once escaped', () => spelled((it) => it.replace('{', '{"s\\u0075b":"other",'))],
    ['sub twice, at the end', () => spelled((it) => it.replace(/}$/, ',"sub":"own"}'))],
    ['aud twice', () => spelled((it) => it.replace('{', '{"aud":"https://other.test",'))],
    ['iat twice', () => spelled((it) => it.replace('{', '{"iat":1,'))],
    [
      'a repeated name within a member',
      () => spelled((it) => it.replace('{', '{"x":{"a":1,"a":2},')),
    ],
    [
      'sub in its prototype',
      () => spelled((it) => it.replace('"sub":"own"', '"__proto__":{"sub":"own"}')),
    ],
    ['a list', () => signed([claimsOf(own)])],
    ['a text', () => signed(JSON.stringify(JSON.stringify(claimsOf(own))))],
    ['null', () => signed('null')],
    ['a number', () => signed('1')],
    ['nothing', () => signed(' ')],
    ['a byte order mark', () => spelled((it) => `\ufeff${it}`)],
    ['two objects', () => spelled((it) => it + it)],
    ['something behind it', () => spelled((it) => `${it}x`)],
    ['a NUL behind it', () => spelled((it) => `${it}\u0000`)],
    ['a comment', () => spelled((it) => it.replace('{', '{/**/'))],
    ['a form feed between', () => spelled((it) => it.replace('{', '{\f'))],
    ['NaN', () => spelled((it) => it.replace(/"iat":[\d.]+/, '"iat":NaN'))],
    ['a hexadecimal number', () => spelled((it) => it.replace(/"iat":[\d.]+/, '"iat":0x1'))],
    ['a number with a plus', () => spelled((it) => it.replace(/"iat":/, '"iat":+'))],
    [
      'a number of 300 digits',
      () => spelled((it) => it.replace(/"iat":[\d.]+/, `"iat":${'9'.repeat(400)}`)),
    ],
    [
      'a thousand lists in one another',
      () => spelled((it) => it.replace('{', `{"x":${bracketed(1000)},`)),
    ],
    [
      'a thousand objects in one another',
      () => spelled((it) => it.replace('{', `{"x":${braced(1000)},`)),
    ],
    ['six levels', () => spelled((it) => it.replace('{', `{"x":${braced(6)},`))],
    [
      'bytes that are no UTF-8',
      () =>
        signed(
          Buffer.concat([
            bytes('7b2278223a22ff222c'),
            Buffer.from(JSON.stringify(claimsOf(own)).slice(1)),
          ]),
        ),
    ],
    [
      'an overlong letter',
      () =>
        signed(
          Buffer.concat([
            bytes('7b2278223a22c1a1222c'),
            Buffer.from(JSON.stringify(claimsOf(own)).slice(1)),
          ]),
        ),
    ],
    [
      'a surrogate in UTF-8',
      () =>
        signed(
          Buffer.concat([
            bytes('7b2278223a22eda080222c'),
            Buffer.from(JSON.stringify(claimsOf(own)).slice(1)),
          ]),
        ),
    ],
    ['UTF-16', () => signed(Buffer.from(JSON.stringify(claimsOf(own)), 'utf16le'))],
    [
      'UTF-32',
      () =>
        signed(
          Buffer.concat(
            [...JSON.stringify(claimsOf(own))].map((it) =>
              bytes(`000000${Buffer.from(it).toString('hex')}`),
            ),
          ),
        ),
    ],
  ])('%s', async (_, jws) => {
    await expectRefused(target, jws(), invalidRequest)
  })

  it.each<[string, unknown]>([
    ['that is a number', 7],
    ['that is null', null],
    ['that is true', true],
    ['in a list', ['own']],
    ['in an object', { own: 1 }],
    ['that is none', undefined],
  ])('sub %s', async (_, sub) => {
    await expectRefused(target, signed({ ...claimsOf(own), sub }), invalidRequest)
  })
})

describe('a name', () => {
  it.each(noNames)('%s', async (_, sub) => {
    await expectRefused(target, signed({ ...claimsOf(own), sub }), invalidRequest)
  })

  it.each(noNames)('%s, under the seed contract, with its own signature', async (_, name) => {
    const answer = await withoutTrace(target, () =>
      target.edge.post(signedRequest(target.stage, name)),
    )
    expect(answer).toMatchObject({ status: 400, body: { message: 'invalid thing-name' } })
  })

  it('never stands in the log where it is none', () => {
    const lines = target.edge.log.filter((line) => line.msg === 'request')
    expect(lines.length).toBeGreaterThanOrEqual(2 * noNames.length)
    expect(lines.filter((line) => line.thingName !== undefined)).toEqual([])
  })
})

describe('a name that every object has', () => {
  it.each(['__proto__', 'constructor', 'hasOwnProperty', 'toString'])(
    '%s is nobody’s',
    async (sub) => {
      const problem = { status: 403, type: 'not-authorized' }
      await expectRefused(target, signed({ ...claimsOf(own), sub }), problem)
      const answer = await withoutTrace(target, () =>
        target.edge.post(signedRequest(target.stage, sub)),
      )
      expect(answer).toMatchObject({ status: 403, body: { message: 'you not' } })
    },
  )
})

describe('a body under the seed contract', () => {
  const right = () => JSON.stringify(signedRequest(target.stage, 'seed-own'))
  it.each<[string, () => string, string]>([
    ['that is empty', () => '', 'invalid request'],
    ['that is a list', () => `[${right()}]`, 'invalid request'],
    ['that is null', () => 'null', 'invalid request'],
    ['that is text', () => JSON.stringify(right()), 'invalid request'],
    ['of two objects', () => right() + right(), 'invalid request'],
    ['of a thousand levels, unfinished', () => '{"a":'.repeat(1000), 'invalid request'],
    ['of ten thousand lists', () => bracketed(8000), 'invalid request'],
    ['with its members in a prototype', () => `{"__proto__":${right()}}`, 'no thing name'],
    [
      'with its name in a list',
      () => right().replace('"seed-own"', '["seed-own"]'),
      'invalid thing-name',
    ],
    [
      'with its name as an object',
      () => right().replace('"seed-own"', '{"toString":"seed-own"}'),
      'invalid thing-name',
    ],
    [
      'with null for its signature',
      () => '{"thing-name":"seed-own","thing-name-sig":null}',
      'invalid thing-name-sig',
    ],
    [
      'with a list for its signature',
      () => right().replace(/"thing-name-sig":"([^"]+)"/, '"thing-name-sig":["$1"]'),
      'invalid thing-name-sig',
    ],
  ])('%s', async (_, body, message) => {
    const answer = await withoutTrace(target, () => target.edge.post(body()))
    expect(answer).toMatchObject({ status: 400, body: { message } })
  })

  it.each<[string, (signature: string) => string]>([
    ['of no letters', () => ''],
    ['in base64url', (it) => it.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')],
    ['without its padding', (it) => it.replaceAll('=', '')],
    ['with a line break', (it) => `${it.slice(0, 64)}\n${it.slice(64)}`],
    ['in hexadecimal', (it) => Buffer.from(it, 'base64').toString('hex')],
    [
      'with a byte more',
      (it) => Buffer.concat([Buffer.from(it, 'base64'), Buffer.alloc(1)]).toString('base64'),
    ],
    [
      'with a zero before',
      (it) => Buffer.concat([Buffer.alloc(1), Buffer.from(it, 'base64')]).toString('base64'),
    ],
    ['of zeros', () => Buffer.alloc(256).toString('base64')],
    ['of another name', () => String(signedRequest(target.stage, 'other')['thing-name-sig'])],
    ['of ten kilobytes', () => 'A'.repeat(10_000)],
  ])('with a signature %s', async (_, change) => {
    const { 'thing-name-sig': signature, ...rest } = signedRequest(target.stage, 'seed-own')
    const body = { ...rest, 'thing-name-sig': change(String(signature)) }
    const answer = await withoutTrace(target, () => target.edge.post(body))
    expect(answer).toMatchObject({ status: 401, body: { message: 'wrong sig' } })
  })
})

describe('what is read in one way only', () => {
  it('is taken, whatever stands beside: a device that is provisioned gets its certificate', async () => {
    const victim = await makeVictim(target, 'beside')
    const { body } = await provisionVictim(target, victim)
    const claims = JSON.stringify(claimsOf(victim))
    const odd = [
      claims.replace('{', '{"constructor":{"prototype":1},'),
      claims.replace('{', '{"__proto__":null,'),
      claims.replace('{', `{"deep":${braced(4)},"text":"}{\\"a\\":1","\\ud800":[],`),
      ` \n\t${claims}\r\n`,
    ].map((payload) => forgeJws({ alg: 'ES256' }, payload, es256(victim)))
    for (const jws of odd) {
      const answer = await withoutTrace(target, () => postLandfall(target.edge, jws))
      expect(answer).toMatchObject({ status: 200, body: { certificateId: body.certificateId } })
      const marked = `\ufeff ${JSON.stringify(jws)}\n`
      const flat = await withoutTrace(target, () => postLandfall(target.edge, marked, flattened))
      expect(flat).toMatchObject({ status: 200, body: { certificateId: body.certificateId } })
    }
  })
})

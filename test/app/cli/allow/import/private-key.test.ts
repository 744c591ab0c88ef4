import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyCells, copyMembers } from '../../../../../app/cli/allow/import/copied-row.ts'
import { openCsv, renderCsv } from '../../../../../app/cli/allow/import/csv-rows.ts'
import { ndjsonRows } from '../../../../../app/cli/allow/import/ndjson-rows.ts'

const pairs = [
  generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  generateKeyPairSync('ed25519'),
  generateKeyPairSync('rsa', { modulusLength: 2048 }),
]
const keys = pairs.map(({ privateKey }) => {
  const jwk = privateKey.export({ format: 'jwk' })
  const pem = String(privateKey.export({ format: 'pem', type: 'pkcs8' }))
  const members = [jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi].filter((it) => it !== undefined)
  return { jwk, pem, secrets: [...members, ...pem.replaceAll('=', '').split('\n').slice(1, -2)] }
})
const publicKeys = pairs.map((it) => it.publicKey.export({ format: 'jwk' }))

const part = 24
/** Every part of a private key of that length: a shorter one is no use to anyone. */
const parts = new Set(
  keys.flatMap(({ secrets }) =>
    secrets.flatMap((secret) =>
      Array.from({ length: Math.max(0, secret.length - part + 1) }, (_, at) =>
        secret.slice(at, at + part),
      ),
    ),
  ),
)
function leaks(text: string): boolean {
  const plain = text
    .replace(/\\+u([0-9a-f]{4})/gi, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll('\\', '')
  for (let at = 0; at + part <= plain.length; at++) {
    if (parts.has(plain.slice(at, at + part))) return true
  }
  return false
}

async function* once(text: string) {
  yield text
}
const sourceOf = (kind: 'csv' | 'ndjson', text: string) => ({
  kind,
  head: text,
  pieces: once(text),
  bytesRead: () => 0,
  totalBytes: undefined,
  close: () => {},
})

/** What the file of rejects would say of each row, undefined where the file as a whole is refused. */
async function copied(kind: 'csv' | 'ndjson', text: string): Promise<unknown[] | undefined> {
  const source = sourceOf(kind, text)
  const all: unknown[] = []
  try {
    if (kind === 'csv') {
      const { rows, shape } = await openCsv('-', source)
      for await (const row of rows) all.push(copyCells(row, shape))
    } else for await (const row of ndjsonRows('-', source)) all.push(copyMembers(row))
  } catch {
    return undefined
  }
  return all
}

const escaped = (text: string) =>
  text.replace(/[A-Za-z]/g, (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, '0')}`)
const escapedValues = (json: string) =>
  json.replace(/:"([^"]*)"/g, (_, value) => `:"${escaped(value)}"`)
/** How a key may be written into a cell or a member. */
const writings: readonly ((key: (typeof keys)[number]) => string)[] = [
  ({ jwk }) => JSON.stringify(jwk),
  ({ jwk }) => JSON.stringify(jwk, null, 2),
  ({ jwk }) => JSON.stringify(jwk).replaceAll('"', "'"),
  ({ jwk }) => JSON.stringify(jwk).replaceAll('"', ''),
  ({ jwk }) => JSON.stringify(jwk).replaceAll('"', '”'),
  ({ jwk }) => JSON.stringify(JSON.stringify(jwk)),
  ({ jwk }) => JSON.stringify({ jwk }),
  ({ jwk }) => JSON.stringify({ keys: [jwk] }),
  ({ jwk }) => escaped(JSON.stringify(jwk)).replaceAll('\\u0022', '"'),
  ({ jwk }) => escapedValues(JSON.stringify(jwk)),
  ({ jwk }) => JSON.stringify({ a: escapedValues(JSON.stringify(jwk)) }),
  ({ jwk }) => JSON.stringify(jwk).replace('{', '{"d":1,'),
  ({ jwk }) => JSON.stringify(jwk).replace(/}$/, ',"d":1}'),
  ({ pem }) => pem,
  ({ pem }) => JSON.stringify({ key: pem }),
]
const embeddings: readonly ['csv' | 'ndjson', (key: string) => string][] = [
  ['csv', (key) => `thing_name,public_key\n${renderCsv(['lamp-1', key], ',')}`],
  ['csv', (key) => `thing_name,public_key\nlamp-1,${key}\nlamp-2,\n`],
  ['csv', (key) => `thing_name;public_key\nlamp-1;${key}\n`],
  ['csv', (key) => `thing_name\tproduct\tpublic_key\nlamp-1\t\t${key}\n`],
  ['csv', (key) => `thing_name,attributes\n${renderCsv(['lamp-1', key], ',')}`],
  ['ndjson', (key) => `{"thing_name":"lamp-1","public_key":${JSON.stringify(key)}}`],
  ['ndjson', (key) => `{"thing_name":"lamp-1","public_key":${key}}`],
  ['ndjson', (key) => `{"thing_name":"lamp-1","jwk":${key}}`],
  ['ndjson', (key) => `{"thing_name":"lamp-1","attributes":${JSON.stringify(key)}}`],
  ['ndjson', (key) => `{"thing_name":"lamp-1",${key.slice(1)}`],
  ['ndjson', (key) => key],
]

describe('a private key in a rejected row', () => {
  it('is not copied, however it is written, wherever it stands', async () => {
    const seen = { copied: 0 }
    for (const [number, write] of writings.entries()) {
      for (const [place, [kind, embed]] of embeddings.entries()) {
        for (const key of keys) {
          const rows = await copied(kind, embed(write(key)))
          if (rows !== undefined) seen.copied += 1
          expect(leaks(JSON.stringify(rows ?? [])), `writing ${number}, place ${place}`).toBe(false)
        }
      }
    }
    // Only a quote left open has the file refused.
    expect(seen.copied).toBeGreaterThan(writings.length * embeddings.length * keys.length * 0.9)
  })

  it('is not copied where the text is damaged, either', async () => {
    const damage = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      drop: fc.nat(2),
      add: fc.constantFrom('', '"', ',', '\n', '{', '}', ':', "'", '\\', 'x', ' '),
      end: fc.double({ min: 0.5, max: 1.5, noNaN: true }),
    })
    const cases = fc.tuple(
      fc.constantFrom(...keys.keys()),
      fc.constantFrom(...writings.keys()),
      fc.constantFrom(...embeddings.keys()),
      damage,
    )
    await fc.assert(
      fc.asyncProperty(cases, async ([key, writing, place, { at, drop, add, end }]) => {
        const [kind, embed] = embeddings[place] as (typeof embeddings)[number]
        const whole = embed((writings[writing] as (typeof writings)[number])(keys[key] as never))
        // The header stays: without it the file is refused.
        const header = kind === 'csv' ? whole.indexOf('\n') + 1 : 0
        const from = header + Math.floor(at * (whole.length - header))
        const damaged = `${whole.slice(0, from)}${add}${whole.slice(from + drop)}`
        const rows = await copied(kind, damaged.slice(0, Math.ceil(end * damaged.length)))
        if (leaks(JSON.stringify(rows ?? []))) throw new Error('a part of the key is copied')
      }),
      { numRuns: 1500 },
    )
  })

  it('leaves the public members to be seen where the row can be read', async () => {
    for (const { jwk } of keys) {
      const text = `{"thing_name":"lamp-1","public_key":${JSON.stringify(jwk)}}`
      expect(JSON.stringify(await copied('ndjson', text))).toContain(String(jwk.x ?? jwk.n))
    }
  })
})

describe('a rejected row without a private key', () => {
  const word = fc.constantFrom(
    ...['d', 'k', 'p', 'gold', 'd:1', 'A-1', '3f2b8c1e-0d5a-4b7e-9c1f-2a6d8e4b7c90', 'a, "b"\nc'],
    ...['Lamp d: the one in the kitchen, with a private key', 'e3b0c44298fc1c149afbf4c8996fb924'],
  )
  const attributes = fc.dictionary(word, word, { maxKeys: 4 })
  const name = fc.stringMatching(/^[A-Za-z0-9:_-]{1,128}$/)
  const jwk = fc.constantFrom(...publicKeys)

  it('comes back as it is', async () => {
    await fc.assert(
      fc.asyncProperty(name, jwk, attributes, async (thingName, key, given) => {
        const cells = [thingName, JSON.stringify(key), JSON.stringify(given), 'no such product']
        const header = 'thing_name,public_key,attributes,product\n'
        expect(await copied('csv', `${header}${renderCsv(cells, ',')}`)).toEqual([cells])
        const row = { thing_name: thingName, public_key: key, attributes: given, product: 7 }
        expect(await copied('ndjson', JSON.stringify(row))).toEqual([row])
      }),
      { numRuns: 200 },
    )
  })

  it('comes back as it is where it can’t be read, too', async () => {
    for (const key of publicKeys) {
      const json = JSON.stringify(key)
      const cells = ['Lamp-Kitchen-Berlin-000001', json, 'lamps']
      const text = `thing_name,public_key\n${renderCsv(cells, ',')}lamp-2,${json}\n`
      expect(await copied('csv', text)).toEqual([cells, ['lamp-2', ...json.split(',')]])
      const broken = `{"thing_name":"Lamp-Kitchen-Berlin-000001","public_key":${json}`
      expect(await copied('ndjson', broken)).toEqual([{ rejected_text: broken }])
    }
  })
})

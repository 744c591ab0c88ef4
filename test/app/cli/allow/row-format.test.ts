import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainValue } from '../../../../app/cli/allow/plain-value.ts'
import { formatOf, rowWriter } from '../../../../app/cli/allow/row-format.ts'
import { anyCharacter } from '../../../any-text.ts'

/** What breaks writers of CSV, and any other text. */
const text = fc.oneof(
  fc.string({
    unit: fc.constantFrom('"', ',', '\n', '\r', '\r\n', ';', '\t', ' ', "'", '\ufeff', 'a', '='),
  }),
  fc.string({ unit: anyCharacter }).map((it) => it.toWellFormed()),
)

const value: fc.Memo<AttributeValue> = fc.memo((depth) => {
  const leaf: fc.Arbitrary<AttributeValue> = fc.oneof(
    text.map((S) => ({ S })),
    fc
      .oneof(fc.integer().map(String), fc.constantFrom('1e125', '12345678901234567890', '0.10'))
      .map((N) => ({ N })),
    fc.boolean().map((BOOL) => ({ BOOL })),
    fc.constant<AttributeValue>({ NULL: true }),
    fc.uint8Array({ maxLength: 8 }).map((B) => ({ B })),
    fc.array(text, { minLength: 1, maxLength: 3 }).map((SS) => ({ SS })),
    fc.constant<AttributeValue>({ NS: ['1', '12345678901234567890'] }),
    fc.constant<AttributeValue>({ BS: [new Uint8Array([1])] }),
  )
  if (depth <= 1) return leaf
  return fc.oneof(
    leaf,
    fc.array(value(depth - 1), { maxLength: 3 }).map((L) => ({ L })),
    fc.dictionary(text, value(depth - 1), { maxKeys: 3 }).map((M) => ({ M })),
  )
})

describe('rowWriter', () => {
  it('writes CSV that a parser reads back cell by cell', () => {
    const columns = ['thing_name', 'product', 'a,b']
    const row = fc.record(
      { thing_name: text, product: text, 'a,b': text },
      { requiredKeys: ['thing_name'] },
    )
    fc.assert(
      fc.property(fc.array(fc.array(row, { minLength: 1 }), { maxLength: 4 }), (pages) => {
        const writer = rowWriter('csv', columns)
        const rendered = pages.map((rows) =>
          writer.write(
            rows.map((it) =>
              Object.fromEntries(Object.entries(it).map(([name, S]) => [name, { S }])),
            ),
          ),
        )
        // The first line ends with \n, as a reader finds out; only so \r and \r\n within cells are safe.
        const read = parse(writer.head + rendered.join(''), { relax_column_count: false })
        const cells = pages
          .flat()
          .map((it) => columns.map((name) => new Map(Object.entries(it)).get(name) ?? ''))
        expect(read).toEqual([columns, ...cells])
      }),
    )
  })

  it('writes any row as one line of NDJSON, with Landfall’s attributes first', () => {
    const row = fc.dictionary(text, value(3), { maxKeys: 4 })
    fc.assert(
      fc.property(row, (others) => {
        const written = rowWriter('ndjson').write([{ ...others, thing_name: { S: 'x' } }])
        expect(written.endsWith('\n')).toBe(true)
        expect(written.trimEnd().split('\n')).toHaveLength(1)
        const read = new Map(Object.entries(JSON.parse(written)))
        expect([...read.keys()].toSorted()).toEqual(
          [...new Set([...Object.keys(others), 'thing_name'])].toSorted(),
        )
        expect(written).toMatch(/^\{("\d|"thing_name":"x")/)
      }),
    )
  })

  it('keeps what JSON’s numbers would round, and what it has no word for', () => {
    expect(plainValue({ N: '12345678901234567890' })).toBe('12345678901234567890')
    expect(plainValue({ N: '7' })).toBe(7)
    expect(plainValue({ L: [{ NULL: true }, { B: new Uint8Array([255]) }] })).toEqual([
      null,
      '/w==',
    ])
    const columns = ['rev', 'attributes', 'b']
    const row = {
      rev: { N: '12345678901234567890' },
      attributes: { M: { a: { S: 'x' } } },
      b: { BOOL: true },
    }
    expect(rowWriter('csv', columns).write([row])).toBe(
      '12345678901234567890,"{""a"":""x""}",true\n',
    )
  })

  it('tells format and packing from the file’s name', () => {
    expect(formatOf('fleet.csv.gz')).toEqual({ format: 'csv', gzip: true })
    expect(formatOf('fleet.JSONL')).toEqual({ format: 'ndjson', gzip: false })
    expect(formatOf('-')).toEqual({ format: undefined, gzip: false })
  })
})

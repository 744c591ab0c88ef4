import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkRow } from '../../../../../app/cli/allow/import/check-row.ts'
import { openCsv, renderCsv } from '../../../../../app/cli/allow/import/csv-rows.ts'
import { ndjsonRows } from '../../../../../app/cli/allow/import/ndjson-rows.ts'
import type { SourceRow } from '../../../../../app/cli/allow/import/source-row.ts'
import { openTextSource } from '../../../../../app/cli/allow/import/text-source.ts'
import { productSchema } from '../../../../../app/products/product.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-rows-'))
})
afterAll(() => rm(folder, { recursive: true }))

let files = 0
async function rowsOf(content: string | Buffer, suffix = ''): Promise<SourceRow[]> {
  files += 1
  const path = join(folder, `fleet-${files}${suffix}`)
  await writeFile(path, content)
  const source = await openTextSource(path)
  const rows = source.kind === 'csv' ? (await openCsv(path, source)).rows : ndjsonRows(path, source)
  const all: SourceRow[] = []
  for await (const row of rows) all.push(row)
  return all
}
const linesOf = async (content: string) => (await rowsOf(content)).map((row) => row.line)

describe('rows of a file', () => {
  it('are read whatever ends their lines, with a byte order mark and lines in quotes', async () => {
    const content =
      '\uFEFFthing_name,attributes\r\na,\n\nb,"{""note"":""1\r\n2""}"\rc,"{""note"":""1\n2""}"\r\nd,'
    const rows = await rowsOf(content)
    expect(rows.map((row) => [row.line, row.values?.thing_name])).toEqual([
      [2, 'a'],
      [4, 'b'],
      [6, 'c'],
      [8, 'd'],
    ])
  })

  it('are the same unpacked and gzipped, by suffix or content', async () => {
    const csv = 'thing_name\na\nb\n'
    const plain = await rowsOf(csv)
    for (const suffix of ['', '.csv.gz', '.gz']) {
      expect(await rowsOf(gzipSync(csv), suffix)).toEqual(plain)
    }
    const ndjson = '\n{"thing_name":"a"}\r\n{"thing_name":"b","product":null}\n'
    const named = (rows: SourceRow[]) => rows.map((row) => row.values)
    expect(named(await rowsOf(ndjson))).toEqual(named(plain))
    expect(named(await rowsOf(gzipSync(ndjson), '.ndjson.gz'))).toEqual(named(plain))
  })

  it('may be separated by semicolons or tabs', async () => {
    for (const delimiter of [';', '\t']) {
      const rows = await rowsOf(`thing_name${delimiter}product\na${delimiter}lamps\n`)
      expect(rows).toMatchObject([{ values: { thing_name: 'a', product: 'lamps' } }])
    }
  })

  it('keep what is no row, and say why', async () => {
    expect(await rowsOf('thing_name,product\na\nb,c,d\n"e,f\ng",h\n')).toMatchObject([
      { line: 2, cells: ['a'], problem: 'has 1 field, and the header names 2 columns' },
      { line: 3, problem: 'has 3 fields, and the header names 2 columns' },
      { line: 4, values: { thing_name: 'e,f\ng' } },
    ])
    const ndjson = '{"thing_name":"a"}\n{nonsense\n[1]\n{"thing_name":"b","produkt":"c"}\n'
    expect((await rowsOf(ndjson)).map((row) => row.problem)).toEqual([
      undefined,
      'is no JSON',
      'is no JSON object',
      'has unknown members: "produkt" (product?)',
    ])
  })

  it('come back as they were rendered, each with the line it begins in', async () => {
    const cell = fc.stringMatching(/^[a-z"',;\t\r\n ]{0,8}$/)
    const table = fc.array(fc.tuple(fc.constant('x'), cell, cell), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(table, async (cells) => {
        const lines = cells.map((row) => renderCsv(row, ','))
        const text = `thing_name,product,region_pin\n${lines.join('')}`
        const rows = await rowsOf(text)
        expect(rows.map((row) => row.cells)).toEqual(cells)
        const breaks = (it: string) => it.match(/\r\n|\n|\r/g)?.length ?? 0
        let line = 2
        for (const [index, row] of rows.entries()) {
          expect(row.line).toBe(line)
          line += breaks(lines[index] ?? '')
        }
      }),
      { numRuns: 60 },
    )
  })

  it('are not taken from what is no text of rows', async () => {
    const wrong: [string | Buffer, string, string][] = [
      ['', '', 'is empty'],
      ['[{"thing_name":"a"}]', '', 'is one JSON list'],
      [
        'thing_name,owner,prodct\n',
        '',
        'columns that no device record can be given: "owner", "prodct" (product?)',
      ],
      ['product\nlamps\n', '', 'it has no column thing_name'],
      ['thing_name,thing_name\n', '', 'the column thing_name twice'],
      [Buffer.from([0x50, 0x4b, 3, 4, 0, 0]), '.csv', 'is a ZIP archive'],
      [Buffer.from('\uFEFFthing_name\n', 'utf16le'), '.csv', 'is UTF-16'],
      [Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0]), '', 'is no text file: it holds NUL bytes'],
      [Buffer.from('thing_name,product\na,\xfc\n', 'latin1'), '', 'is not UTF-8'],
      ['thing_name\n', '.csv.gz', 'is not gzip, though its name says so'],
      [gzipSync('thing_name\na\nb\n').subarray(0, 25), '', 'ends within its gzip data'],
      ['thing_name,product\na,"b\n', '', 'a quote is left open to its end'],
      [`thing_name\n${'x'.repeat(300_000)}\n`, '', 'has a line or row longer than 256 KiB'],
      [`thing_name\n${','.repeat(300_000)}\n`, '', 'has a line or row longer than 256 KiB'],
      [`thing_name,product\na,"${'x\n'.repeat(200_000)}"\n`, '', 'longer than 256 KiB'],
      [`{"thing_name":"${'x'.repeat(300_000)}"}\n`, '', 'longer than 256 KiB'],
    ]
    for (const [content, suffix, why] of wrong) {
      await expect(rowsOf(content, suffix)).rejects.toThrow(why)
    }
    await expect(openTextSource(join(folder, 'none.csv'))).rejects.toThrow('there is no such file')
    await expect(openTextSource(folder)).rejects.toThrow('it is a folder')
  })

  it('begin where the lines before them end', async () => {
    expect(await linesOf('thing_name\n\n\na\n\nb')).toEqual([4, 6])
  })
})

describe('a row', () => {
  const regionPolicy = {
    defaultRegion: 'eu-west-1',
    allowedRegions: ['eu-west-1', 'eu-central-1', 'us-east-1'],
    rules: [
      {
        name: 'law',
        match: { attributes: { plan: 'de' } },
        regions: ['eu-central-1'],
        strict: true,
      },
    ],
  }
  const lamps = productSchema.parse({ name: 'lamps', signers: [], regionPolicy })
  const rules = {
    products: new Map([['lamps', lamps]]),
    enabledRegions: ['eu-west-1', 'eu-central-1', 'ap-south-1'],
  }
  const problemOf = (values: Record<string, unknown>) => {
    const checked = checkRow({ thing_name: 'a', product: 'lamps', ...values }, rules)
    return 'problem' in checked ? checked.problem : undefined
  }
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = publicKey.export({ format: 'jwk' })

  it('becomes what the record is given, as text and as JSON', () => {
    const details = {
      product: 'lamps',
      publicKey: jwk,
      attributes: { plan: 'gold' },
      regionPin: 'eu-west-1',
      region: 'eu-central-1',
    }
    const rest = {
      region_pin: 'eu-west-1',
      aws_region: 'eu-central-1',
      prov_status: 'unprovisioned',
    }
    for (const as of [JSON.stringify, (it: unknown) => it]) {
      const values = { public_key: as(jwk), attributes: as({ plan: 'gold' }), ...rest }
      const checked = checkRow({ thing_name: 'a', product: 'lamps', ...values }, rules)
      expect(checked).toEqual({ thingName: 'a', details })
    }
  })

  it('is held to the schema, to the products and to their region policies', () => {
    const problems: [Record<string, unknown>, string][] = [
      [{ thing_name: 'no name' }, 'thing_name "no name" is none'],
      [{ thing_name: undefined }, 'thing_name is missing'],
      [{ product: 'lamp' }, 'product "lamp" doesn’t exist (lamps?)'],
      [{ product: undefined }, 'product is missing, and there is no product default'],
      [{ prov_status: 'provisioned' }, 'only unprovisioned devices can be imported'],
      [{ public_key: '{' }, 'public_key must be JSON'],
      [{ public_key: { ...jwk, x: 'AAAA' } }, 'public_key must be a key: its members make none'],
      [{ attributes: '{"a":1}' }, 'attributes a '],
      [{ attributes: { ' a': 'b' } }, 'attributes  a must be 1 to 128'],
      [{ region_pin: 'mars-1' }, 'region_pin "mars-1" is no Region'],
      [{ region_pin: 'us-east-1' }, 'region_pin us-east-1 is not enabled'],
      [
        { region_pin: 'ap-south-1' },
        'region_pin ap-south-1 is not among the allowed regions of product lamps',
      ],
      [
        { region_pin: 'eu-west-1', attributes: { plan: 'de' } },
        'region_pin eu-west-1 is not among the regions of rule law of product lamps',
      ],
    ]
    for (const [values, why] of problems) expect(problemOf(values)).toContain(why)
    expect(problemOf({ thing_name: '', product: 'x', aws_region: 'y' })?.split('; ')).toHaveLength(
      3,
    )
  })

  it('never has a private key told', () => {
    const problem = problemOf({ public_key: privateKey.export({ format: 'jwk' }) })
    expect(problem).toContain('public_key')
    expect(problem).not.toContain(privateKey.export({ format: 'jwk' }).d)
  })
})

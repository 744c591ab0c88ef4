import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRejects } from '../../../../../app/cli/allow/import/rejects-file.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-rejects-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const json = JSON.stringify(jwk)
const columns = ['thing_name', 'public_key']

it.each([
  ['CSV', { columns, delimiter: ',' }, { line: 2, cells: ['lamp-1', json] }],
  ['NDJSON, as an object', undefined, { line: 2, text: `{"public_key":${json}}` }],
  [
    'NDJSON, as a text',
    undefined,
    { line: 2, text: JSON.stringify({ thing_name: 'lamp-1', public_key: json }) },
  ],
] as const)('copies no private key from %s, and all the rest', async (name, shape, row) => {
  const path = join(folder, name)
  const rejects = await openRejects({ input: '-', path, goesOn: false }, shape)
  await rejects.add({ ...row, problem: 'wrong' }, 'public_key: Unrecognized key: "d"')
  await rejects.close()
  const text = await readFile(path, 'utf8')
  expect(text).not.toContain(String(jwk.d))
  expect(text).toContain('withheld')
  expect(text).toContain(String(jwk.x))
})

describe('a file of rejects', () => {
  const shape = { columns: ['thing_name'], delimiter: ',' }
  const reject = (name: string, line: number) =>
    ({ line, cells: [name], problem: 'wrong' }) as const
  const header = 'rejected_line,rejected_reason,thing_name\n'

  it('holds every row that is said to be in it, however many come at once', async () => {
    const path = join(folder, 'many.csv')
    const rejects = await openRejects({ input: '-', path, goesOn: false }, shape)
    await rejects.add(reject('first', 2), 'wrong')
    expect(await readFile(path, 'utf8')).toBe(`${header}2,wrong,first\n`)
    const rows = Array.from({ length: 500 }, (_, index) => reject(`row-${index}`, index + 3))
    await Promise.all(rows.map((row) => rejects.add(row, 'wrong')))
    const lines = rows.map(({ line, cells }) => `${line},wrong,${cells[0]}\n`)
    expect(await readFile(path, 'utf8')).toBe(`${header}2,wrong,first\n${lines.join('')}`)
    await rejects.close()
  })

  it('keeps what is there where an import goes on, and begins anew where not', async () => {
    const path = join(folder, 'again.csv')
    for (const [goesOn, before] of [
      [true, ''],
      [true, '2,wrong,a\n'],
      [false, ''],
    ] as const) {
      const rejects = await openRejects({ input: '-', path, goesOn }, shape)
      await rejects.add(reject('a', 2), 'wrong')
      await rejects.close()
      expect(await readFile(path, 'utf8')).toBe(`${header}${before}2,wrong,a\n`)
    }
    const idle = await openRejects({ input: '-', path, goesOn: true }, shape)
    await idle.close()
    expect(await readFile(path, 'utf8')).toContain('2,wrong,a')
  })

  it('is not added to where its columns are others', async () => {
    const path = join(folder, 'others.csv')
    await writeFile(path, 'rejected_line,rejected_reason,thing_name,product\n')
    const opening = openRejects({ input: '-', path, goesOn: true }, shape)
    await expect(opening).rejects.toThrow('is there already, with other columns')
  })
})

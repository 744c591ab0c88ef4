import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openRejects } from '../../../../app/cli/allow/import/rejects-file.ts'

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
  const rejects = await openRejects({ input: '-', path }, shape)
  await rejects.add({ ...row, problem: 'wrong' }, 'public_key: Unrecognized key: "d"')
  await rejects.close()
  const text = await readFile(path, 'utf8')
  expect(text).not.toContain(String(jwk.d))
  expect(text).toContain('withheld')
  expect(text).toContain(String(jwk.x))
})

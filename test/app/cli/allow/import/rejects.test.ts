import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { renderCsv } from '../../../../../app/cli/allow/import/csv-rows.ts'
import { startLandfall } from '../../run-landfall.ts'
import { rejectsOf, useImportStage } from './use-import-stage.ts'

const { on, fleet, importFile } = useImportStage(['eu-west-1'])

describe('the rejects of landfall allow import', () => {
  it('hold no private key, not in the reason either, in whatever column it was', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { d = '', ...rest } = privateKey.export({ format: 'jwk' })
    const pem = String(privateKey.export({ format: 'pem', type: 'pkcs8' }))
    const columns = ['thing_name', 'product', 'public_key', 'region_pin', 'attributes']
    const rows = [
      ['s-1', JSON.stringify({ d, ...rest }), '', '', ''],
      ['s-2', '', JSON.stringify({ d, ...rest }), '', ''],
      ['s-3', '', '', pem, ''],
      ['s-4', 'nothing', '', '', JSON.stringify({ jwk: JSON.stringify({ d }) })],
      ['s-5', '', pem, '', ''],
    ]
    const path = await fleet([columns, ...rows].map((it) => renderCsv(it, ',')).join(''))
    expect(await importFile(path)).toMatchObject({ code: 3 })
    const text = await readFile(rejectsOf(path), 'utf8')
    for (const [name] of rows) expect(text).toContain(`,${name},`)
    const isTold = text.includes(d.slice(0, 16)) || text.includes(pem.split('\n')[1] ?? '')
    expect(isTold).toBe(false)
  })

  it('are named where the import ends early, and gone on with as the hint says', async () => {
    const error = { code: 'AccessDeniedException', status: 400, message: 'not authorized' }
    const put = { service: 'dynamodb', operation: 'PutItem', kind: 'error-before' }
    await on.stage.fault({ ...put, error, times: null, afterCalls: 1 })
    const path = await fleet('thing_name\na-1\na 2\na-3\na 4\n', ' of may.csv')
    const run = await importFile(path, '--parallel', '1')
    const rejects = rejectsOf(path)
    expect(run).toMatchObject({ code: 1 })
    expect(run.stderr).toContain(
      `every row before line 4 is done; rejected rows are in ${rejects}\n`,
    )
    expect(run.stderr).toContain(`then --from-line 4 --rejects '${rejects}' goes on there`)
    await on.stage.clearFaults()
    expect(await importFile(path, '--from-line', '4', '--rejects', rejects)).toMatchObject({
      code: 3,
    })
    const lines = (await readFile(rejects, 'utf8')).trimEnd().split('\n')
    expect(lines.map((it) => it.split(',')[0])).toEqual(['rejected_line', '3', '5'])
  })

  it('lie in the current folder where a pipe is imported by its name', async () => {
    const pipe = join(on.folder, 'pipe')
    await promisify(execFile)('mkfifo', [pipe])
    const cwd = await mkdtemp(join(on.folder, 'cwd-'))
    const args = ['allow', 'import', pipe, '--local', on.localJson]
    const { done } = startLandfall(args, { cwd })
    await writeFile(pipe, 'thing_name\nf-1\nf 2\n')
    expect(await done).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('1 row was rejected: see import.rejects.csv\n'),
    })
    expect(await readdir(cwd)).toEqual(['import.rejects.csv'])
  })

  it('are told in a dry run, the first ten of them, and written only where that is asked for', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `g ${index}`)
    const path = await fleet(`thing_name\n${names.join('\n')}\n`)
    const told = await importFile(path, '--dry-run', '--parallel', '1')
    expect(told.code).toBe(3)
    const notes = told.stderr.split('\n').filter((it) => it.startsWith('line '))
    expect(notes).toEqual(
      names.slice(0, 10).map((name, index) => {
        return expect.stringContaining(`line ${index + 2}: thing_name "${name}" is none`)
      }),
    )
    expect(told.stderr).toMatch(
      /\nand so on\nerror: 12 rows were rejected\nhint: with --rejects FILE a dry run writes all/,
    )
    expect(await readFile(rejectsOf(path), 'utf8').catch(() => 'none')).toBe('none')
    const file = join(on.folder, 'dry.csv')
    const written = await importFile(path, '--dry-run', '--rejects', file)
    expect(written.stderr).toMatch(/^error: 12 rows were rejected: see /)
    expect((await readFile(file, 'utf8')).trimEnd().split('\n')).toHaveLength(13)
  })
})

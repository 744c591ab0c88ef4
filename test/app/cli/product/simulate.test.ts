import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { locationTableFile } from '../../../../app/cli/geo/location-table-file.ts'
import { dublin, tinyTable, tokyo } from '../geo/tiny-table.ts'
import { landfall, startLandfall } from '../run-landfall.ts'
import { elementsOf, parseXml } from './parse-xml.ts'

let cwd: string
const mumbai = { lat: 19.08, lon: 72.88, country: 'IN', confidence: 'normal' } as const
const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const { kty, n, e } = publicKey.export({ format: 'jwk' })

/** Three eighths of the addresses are in Dublin, as many in Tokyo, two in Mumbai. */
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'landfall-simulate-'))
  await mkdir(join(cwd, '.landfall/geo'), { recursive: true })
  const table = tinyTable(
    [
      ['32.0.0.0', '79.255.255.255', dublin],
      ['128.0.0.0', '159.255.255.255', mumbai],
      ['176.0.0.0', '191.255.255.255', tokyo],
    ],
    [['2001:200::', '2001:200:ffff:ffff::', tokyo]],
  )
  await writeFile(join(cwd, locationTableFile), table)
  const india = { match: { countries: ['IN'] }, strict: true }
  await save('before', [{ ...india, name: 'India', regions: ['ap-south-1'] }])
  await save('after', [
    { ...india, name: 'India', regions: ['il-central-1'] },
    {
      name: 'Japan shares',
      match: { countries: ['JP'] },
      regions: ['ap-northeast-1', 'us-east-1'],
      strategy: 'weighted',
      weights: { 'ap-northeast-1': 70, 'us-east-1': 30 },
    },
  ])
})
afterAll(() => rm(cwd, { recursive: true, force: true }))

async function save(name: string, rules: readonly object[]) {
  const document = {
    name: 'lamps',
    signers: [{ kid: 'factory', contracts: ['seed'], jwk: { kty, n, e } }],
    regionPolicy: { defaultRegion: 'us-east-1', rules },
  }
  await writeFile(join(cwd, `${name}.json`), JSON.stringify(document))
}

const regions = ['--regions', 'eu-west-1,us-east-1,ap-south-1,ap-northeast-1']
const simulate = (...args: string[]) =>
  landfall(['product', 'simulate', ...args, ...regions], { cwd })

describe('landfall product simulate', () => {
  it('counts the addresses of a CSV, and names the lines that hold none', async () => {
    const { child, done } = startLandfall(
      ['product', 'simulate', 'after.json', '--addresses', '-', '--json', ...regions],
      { cwd, stdin: 'pipe' },
    )
    child.stdin?.end(
      'ip,device\n# from a log\n"32.0.0.1",a\n32.0.0.1;b\n\nnowhere,c\n[2001:200::1]:443\n10.0.0.1\n999.1.1.1\r\n128.0.0.9',
    )
    const run = await done
    expect(run.code).toBe(0)
    expect(JSON.parse(run.stdout)).toMatchObject({
      product: 'lamps',
      version: 'after.json',
      from: {
        kind: 'addresses',
        wrongLines: [
          { line: 6, text: 'nowhere,c' },
          { line: 9, text: '999.1.1.1' },
        ],
      },
      after: {
        devices: 5,
        unlocated: 1,
        countries: [
          { country: 'IE', devices: 2, share: 0.4, regions: [{ region: 'eu-west-1', meanKm: 0 }] },
          { country: null, regions: [{ region: 'us-east-1' }] },
          { country: 'IN', unplaced: 1, regions: [] },
          { country: 'JP', devices: 1 },
        ],
        unplaced: [{ rule: { name: 'India' }, devices: 1, share: 0.2 }],
      },
    })
  })

  it('draws the same sample again, and says what moves between two versions', async () => {
    const args = ['after.json', '--against', 'before.json', '--sample', '800', '--seed', '3']
    const [words, json] = await Promise.all([simulate(...args), simulate(...args, '--json')])
    expect(words.code).toBe(0)
    const { after, before, moves } = JSON.parse(json.stdout)
    const [toIndia, toJapan] = moves.routes
    expect(before.version).toBe('before.json')
    expect(toIndia).toMatchObject({ from: 'ap-south-1', to: null })
    expect(toJapan).toMatchObject({ from: 'ap-northeast-1', to: 'us-east-1' })
    expect(toJapan.meanChangeKm).toBeCloseTo(10_904, -2)
    // Of the sixth of the addresses that are in Japan, 30 % move; of India's third, all.
    expect(Math.abs(toIndia.share - 1 / 3)).toBeLessThan(0.06)
    expect(Math.abs(toJapan.share - 0.05)).toBeLessThan(0.03)
    expect(after.unplaced[0].devices).toBe(toIndia.devices)
    const { stdout } = words
    expect(stdout).toContain(
      '800 devices of after.json, at IPv4 addresses drawn at random (seed 3)',
    )
    expect(stdout).toMatch(/^region +devices {2}share % {2}mean km {2}before %$/m)
    expect(stdout).toContain(
      `rule India (strict) leaves ${toIndia.devices} devices (${(toIndia.share * 100).toFixed(1)} %) without a region: IN ${toIndia.devices}\n`,
    )
    expect(stdout).toContain('il-central-1 (not enabled)')
    expect(stdout).toContain(`Against before.json, ${moves.devices} devices (`)
    expect(stdout).toContain(`${toJapan.example.thing} at ${toJapan.example.address} (JP): 1 → `)
  })

  it('is misuse with two kinds of addresses or an unknown region, and fails without any address', async () => {
    const [both, mars, none, missing] = await Promise.all([
      simulate('after.json', '--addresses', 'a', '--sample', '5'),
      simulate('after.json', '--down', 'mars-1'),
      simulate('after.json', '--addresses', 'after.json'),
      simulate('after.json', '--addresses', 'nothing.txt'),
    ])
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be used with') })
    expect(mars).toMatchObject({ code: 2, stderr: expect.stringContaining('mars-1 is no Region') })
    expect(none).toMatchObject({ code: 1, stdout: '' })
    expect(none.stderr).toContain('error: after.json holds no address: line 1 is "{"name":"lamps"')
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('ENOENT') })
  })

  it('draws a map that names every region with its share, and marks where nobody lands', async () => {
    const run = await simulate('after.json', '--sample', '400', '--map', 'map.svg', '--json')
    expect(run.code).toBe(0)
    const source = await readFile(join(cwd, 'map.svg'), 'utf8')
    expect(source.length).toBeLessThan(1_000_000)
    expect(source).not.toMatch(/NaN|undefined|Infinity/)
    const svg = parseXml(source)
    expect(svg.attributes).toMatchObject({ role: 'img', 'aria-labelledby': 'title desc' })
    const [title] = elementsOf(svg, 'title')
    expect(title?.text).toBe('Where devices of lamps land')

    const texts = elementsOf(svg, 'text').map((it) => it.text)
    for (const { region, share } of JSON.parse(run.stdout).after.regions) {
      const says = `${region} ${(share * 100).toFixed(1)} %`
      expect(texts.filter((it) => it === says)).toHaveLength(1)
    }
    expect(texts).toContainEqual(expect.stringMatching(/^no region \d+\.\d %/))
    expect(texts).toContainEqual('shared by thing name: ap-northeast-1 70.0 %, us-east-1 30.0 %')
    expect(texts).toContainEqual('Locations: made by hand')

    const patterns = elementsOf(svg, 'pattern').map((it) => it.attributes.id)
    expect(patterns).toEqual(expect.arrayContaining(['area-none', 'area-eu-west-1']))
    const used = [...source.matchAll(/url\(#([^)]*)\)/g)].map(([, id]) => id)
    const ids = [...source.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(used.filter((id) => !ids.includes(id))).toEqual([])
  })
})

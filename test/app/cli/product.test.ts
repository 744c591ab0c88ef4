import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { readDocumentFile } from '../../../app/cli/product/document-file.ts'
import { type LocalProcess, startLocalProcess } from './local-process.ts'
import { runHere } from './run-here.ts'

const regions = 'eu-west-1,eu-central-1,us-east-1'
let folder: string
let local: LocalProcess
let jsonFile: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-product-'))
  local = await startLocalProcess(join(folder, 'local'), '--regions', regions)
  jsonFile = join(folder, 'local', 'local.json')
})
afterAll(async () => {
  await local.end('SIGTERM')
  await rm(folder, { recursive: true })
})

const product = (...args: string[]) => runHere(['product', ...args])
const there = (...args: string[]) => product(...args, '--local', jsonFile)
const linesOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

function makeDocument(name: string) {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { kty, n, e } = publicKey.export({ format: 'jwk' })
  return {
    name,
    signers: [{ kid: 'factory', contracts: ['seed'], jwk: { kty, n, e } }],
    regionPolicy: {
      defaultRegion: 'us-east-1',
      rules: [
        { name: 'Germany', match: { countries: ['DE'] }, regions: ['eu-central-1'], strict: true },
        {
          name: 'gold',
          match: { attributes: { plan: 'gold' } },
          regions: ['eu-west-1', 'us-east-1'],
          strategy: 'weighted',
          weights: { 'eu-west-1': 1, 'us-east-1': 3 },
        },
      ],
    },
    tests: [{ location: { lat: 52.5, lon: 13.4, country: 'DE' }, region: 'eu-central-1' }],
  }
}
type Document = ReturnType<typeof makeDocument>

/** Ten lists, each of ten times the one before. */
function bomb(): string {
  const lines = Array.from({ length: 9 }, (_, at) => {
    return `l${at + 1}: &l${at + 1} [${Array(10).fill(`*l${at}`).join(', ')}]`
  })
  return ['l0: &l0 [x]', ...lines].join('\n')
}

async function save(document: Document, change: (it: Document) => void = () => {}) {
  change(document)
  const file = join(folder, `${document.name}.yaml`)
  await writeFile(file, stringify(document))
  return file
}

describe('landfall product check', () => {
  it('takes a document whose tests pass', async () => {
    const run = await product('check', await save(makeDocument('fine')), '--regions', regions)
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toMatch(
      /fine\.yaml: product fine: 1 signer, 2 rules, nearest, default region/,
    )
    expect(run.stdout).toMatch(/\n1 test passed\n$/)
  })

  it('names every problem by its line and path, at once', async () => {
    const file = join(folder, 'wrong.yaml')
    const text = `name: lamps\nregionPolicy:\n  defaultRegion: mars-1\n  rules:\n    - match: { countries: [UK] }\n      regions: [eu-west-1]\n      strickt: true\n`
    await writeFile(file, text)
    const run = await product('check', file)
    expect(run.stdout.trim().split('\n')).toEqual([
      `${file}:1: signers is missing: it must be a list`,
      `${file}:3: regionPolicy.defaultRegion "mars-1" is no Region with AWS IoT Core`,
      `${file}:5: regionPolicy.rules.0.match.countries.0 UK is written GB in ISO 3166-1`,
      `${file}:7: regionPolicy.rules.0.strickt is no field of a product: did you mean strict?`,
    ])
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('has 4 problems') })
    const json = await product('check', file, '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, problems: { length: 4 } })
  })

  it('reads JSON too, and says where a text is neither', async () => {
    const file = join(folder, 'a.json')
    await writeFile(file, JSON.stringify(makeDocument('a')))
    expect((await readDocumentFile(file)).product?.name).toBe('a')
    await writeFile(file, '{\n  "name": [\n')
    expect(await readDocumentFile(file)).toMatchObject({
      problems: expect.arrayContaining([
        { line: 3, path: '', message: expect.stringMatching(/^is no YAML or JSON: /) },
      ]),
    })
  })

  it.each([
    ['an alias that leads nowhere', 'name: *other', /alias that can’t be used/],
    ['aliases without end', bomb(), /alias that can’t be used: Excessive/],
    ['two documents', 'name: a\n---\nname: b\n', /is followed by another one: a file holds one/],
    ['keys that are no texts', '? {a: b}\n: c\n', /\{ a: b \} is no field of a product/],
    ['a text without end', '#'.repeat(2 ** 20 + 1), /it is longer than 1048576 bytes/],
    ['nothing', '', /the document must be a mapping of fields/],
  ])('refuses %s, with what is wrong', async (_what, text, problem) => {
    const file = join(folder, 'odd.yaml')
    await writeFile(file, text)
    const run = await product('check', file)
    expect(run.code).toBe(1)
    expect(`${run.stdout}${run.stderr}`).toMatch(problem)
    expect(run.stderr).not.toMatch(/LANDFALL_DEBUG|Warning/)
  })

  it('notes what the document names and the deployment does not enable', async () => {
    const notes = async (allowedRegions: string[]) => {
      const document = makeDocument('elsewhere')
      document.tests = []
      Object.assign(document.regionPolicy, { allowedRegions })
      const run = await product('check', await save(document), '--regions', 'sa-east-1', '--json')
      return JSON.parse(run.stdout).notes
    }
    const named = ['us-east-1', 'eu-central-1', 'eu-west-1']
    expect(await notes([...named, 'sa-east-1'])).toEqual([
      'the default region us-east-1 isn’t enabled: the nearest to it takes its place',
      'rule Germany: none of its regions is enabled, so its devices can’t be provisioned',
      'rule gold: none of its regions is enabled, so the policy’s own regions take over',
    ])
    expect(await notes(named)).toEqual([
      'none of allowedRegions is enabled, so no device can be provisioned',
    ])
  })

  it('fails where a test of the document does, and says what decided', async () => {
    const file = await save(makeDocument('tested'), (it) => {
      it.tests.push({ location: { lat: 48.9, lon: 2.35, country: 'FR' }, region: 'us-east-1' })
    })
    const run = await product('check', file, '--regions', regions)
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('1 of 2 tests failed') })
    expect(run.stdout).toMatch(/tests\.1 expects us-east-1, gets eu-central-1: nearest: \d+ km/)
  })
})

describe('landfall product apply', () => {
  it('shows the difference, writes only with a yes, and nothing where there is none', async () => {
    const document = makeDocument('lamps')
    const file = await save(document)
    const asked = await there('apply', file)
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('hint: add --yes') })
    expect(asked.stdout).toContain('lamps: 1 test passed; a new product:\n  + name: "lamps"\n')
    expect((await there('show', 'lamps')).stderr).toContain('error: there is no product lamps')

    expect((await there('apply', file, '--yes')).stdout).toContain('lamps is at version 1;')
    expect((await there('apply', file, '--yes')).stdout).toBe(
      'lamps: no difference to version 1; nothing was written\n',
    )
    await save(document, (it) => {
      it.regionPolicy.rules.reverse()
      it.regionPolicy.defaultRegion = 'eu-west-1'
    })
    const run = await there('apply', file, '--yes', '--json')
    expect(JSON.parse(run.stdout)).toEqual({
      name: 'lamps',
      version: 2,
      applied: true,
      changes: [
        { path: 'regionPolicy.defaultRegion', before: 'us-east-1', after: 'eu-west-1' },
        {
          path: 'regionPolicy.rules order',
          before: ['[Germany]', '[gold]'],
          after: ['[gold]', '[Germany]'],
        },
      ],
    })
  })

  it('lists, shows what apply takes again, and goes back', async () => {
    const file = await save(makeDocument('bulbs'))
    await there('apply', file, '--yes')
    const first = await there('show', 'bulbs')
    expect(parse(first.stdout)).toMatchObject({
      name: 'bulbs',
      regionPolicy: { strategy: 'nearest' },
    })
    await writeFile(
      file,
      first.stdout.replace('defaultRegion: us-east-1', 'defaultRegion: eu-west-1'),
    )
    expect((await there('apply', file, '--yes')).stdout).toContain(
      '  ~ regionPolicy.defaultRegion: "us-east-1" → "eu-west-1"\nbulbs is at version 2;',
    )
    const back = await there('rollback', 'bulbs', '--yes')
    expect(back.stdout).toContain('bulbs is at version 3;')
    const [listed] = linesOf((await there('list', '--json')).stdout)
    expect(listed).toEqual({
      name: 'bulbs',
      signers: ['factory'],
      defaultRegion: 'us-east-1',
      strategy: 'nearest',
      rules: 2,
    })
    const history = linesOf((await there('history', 'bulbs', '--json')).stdout)
    expect(history).toMatchObject([
      { version: 3, state: 'current', note: 'rollback to 1', replaces: 2 },
      { version: 2, state: 'earlier', appliedBy: expect.stringMatching(/:user\/operator$/) },
      { version: 1, state: 'earlier' },
    ])
    const second = JSON.parse((await there('show', 'bulbs', '2', '--json')).stdout)
    expect(second.document.regionPolicy.defaultRegion).toBe('eu-west-1')
    expect(await there('rollback', 'bulbs', '9', '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('version 9 of bulbs isn’t kept'),
    })
  })

  it('refuses a key that is another product’s', async () => {
    const first = makeDocument('first')
    await there('apply', await save(first), '--yes')
    const run = await there('apply', await save({ ...first, name: 'second' }), '--yes')
    expect(run).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('signer factory: its key is product first’s already'),
    })
  })
})

describe('landfall product explain', () => {
  it('says in words where a device lands, and why', async () => {
    const file = await save(makeDocument('why'))
    const at = ['--ip', '134.226.1.1']
    const near = (await there('explain', file, ...at)).stdout
    expect(near).toMatch(/^A device of why at 134\.226\.1\.1 lands in eu-west-1, \d+ km away\n/)
    expect(near).toContain('rule Germany (strict) doesn’t match: country is IE, not DE\n')
    expect(near).toMatch(/candidates {3}1 {2}eu-west-1 +\d+ km\n/)
    const down = await there('explain', file, ...at, '--down', 'eu-west-1')
    expect(down.stdout).toMatch(/lands in eu-central-1.*; passed over eu-west-1 \(down\)\n/s)
    const gold = await there('explain', file, ...at, '--attribute', 'plan=gold', '--thing', 'b')
    expect(gold.stdout).toContain('rule gold matches: attribute plan is gold\n')
    expect(await there('explain', file, ...at, '--attribute', 'plan=gold')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('add --thing NAME'),
    })
  })

  it('gives the same as JSON, of a product in the table and its deployment’s regions', async () => {
    await there('apply', await save(makeDocument('stored')), '--yes')
    const run = await there(
      'explain',
      'stored',
      '--ip',
      '5.9.0.1',
      '--down',
      'eu-central-1',
      '--json',
    )
    expect(JSON.parse(run.stdout)).toMatchObject({
      product: 'stored',
      address: '5.9.0.1',
      location: { country: 'DE', continent: 'EU' },
      rules: [
        { name: 'Germany', matches: true, conditions: [{ actual: 'DE', holds: true }] },
        { matches: false },
      ],
      placement: {
        rule: { index: 0, strict: true },
        refusal: 'unavailable',
        skipped: [{ region: 'eu-central-1', why: 'down' }],
      },
      enabledRegions: regions.split(','),
    })
  })

  it('is misuse with what is no address or region', async () => {
    const file = await save(makeDocument('misused'))
    expect(await product('explain', file, '--ip', 'here')).toMatchObject({ code: 2 })
    expect(await product('explain', file, '--ip', '8.8.8.8', '--down', 'mars-1')).toMatchObject({
      code: 2,
    })
  })
})

it('landfall product schema prints the JSON Schema', async () => {
  const run = await product('schema')
  expect(JSON.parse(run.stdout)).toMatchObject({ type: 'object', additionalProperties: false })
})
